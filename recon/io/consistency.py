"""Whether database and files are of one moment: after a restore from a backup they may not be."""

from collections.abc import Iterator

import sqlalchemy as sa

from recon.io import audit
from recon.io.days import Workspace
from recon.io.reports import reported_run
from recon.io.schema import RUNS


def disagreements(workspace: Workspace) -> list[str]:
    """What the files know and the database does not, or the other way round, and what to do."""
    return [*_unregistered(workspace), *_reports(workspace), *_audit(workspace)]


def _unregistered(workspace: Workspace) -> Iterator[str]:
    unknown = workspace.inbox.unregistered()
    if unknown:
        yield (
            f"the inbox has {len(unknown)} file(s) that the database does not know, such as "
            f"{unknown[0]}: the database is older than they are; fetch or drop them again"
        )


def _reports(workspace: Workspace) -> Iterator[str]:
    """Reports of runs that the database does not know, and runs whose reports are not there."""
    columns = (RUNS.c.run_id, RUNS.c.business_date, RUNS.c.provider, RUNS.c.account)
    with workspace.database.connect() as connection:
        rows = connection.execute(sa.select(*columns, RUNS.c.superseded_by)).all()
    known = {row.run_id for row in rows}
    for summary in sorted(workspace.reports.glob("*/*/*/summary.json")):
        if summary.parts[-3] == "superseded":
            continue  # of a proof workbook, which is of many runs
        run_id = reported_run(summary.parent)
        if run_id is not None and run_id not in known:
            yield (
                f"{summary.parent} is of run {run_id}, which the database does not know: it is "
                f"older than the report; run the day again: recon run --date {summary.parts[-4]}"
            )
    for row in rows:
        folder = workspace.report_directory(row.provider, row.account, row.business_date)
        if row.superseded_by is None and reported_run(folder) is None:
            yield (
                f"{folder} is missing or damaged; make it again: recon run --date "
                f"{row.business_date}"
            )


def _audit(workspace: Workspace) -> Iterator[str]:
    remembered = audit.remembered(workspace.audit_head)
    with workspace.database.connect() as connection:
        last, _ = audit.head(connection)
    if remembered is not None and remembered[0] > last:
        yield (
            f"{workspace.audit_head} knows of {remembered[0]} audit rows and the database has "
            f"{last}: it is older than the file, or was cut; recon audit verify tells more"
        )
