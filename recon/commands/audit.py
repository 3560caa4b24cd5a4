"""`recon audit`: the trail of who did what, and whether it is whole."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, open_workspace

app = App(name="audit", help="Who did what, and when.", result_action="return_value")


@app.command
def show(
    *,
    subject: Annotated[str | None, Parameter(help="such as case:17, or run:<run_id>")] = None,
    last: Annotated[int, Parameter(help="so many of the newest rows")] = 30,
    common: Common = COMMON,
) -> int:
    """The newest rows of the trail."""
    from dataclasses import asdict

    from recon.io.audit import records

    found = records(open_workspace(common).database, subject)[-max(last, 1) :]
    if common.json:
        console.print_json([asdict(record) for record in found])
        return 0
    for record in found:
        when = record.at[:19]
        print(f"{record.seq:>6} {when} {record.actor}: {record.event} {record.subject} "
              f"{record.detail}")  # fmt: skip
    return 0


@app.command
def verify(*, common: Common = COMMON) -> int:
    """Check every row against the one before, the end against what remembers it, and cases,
    write-offs and signatures against what the rows say became of them."""
    from recon.io.audit import records, verify
    from recon.io.replay import contradictions

    workspace = open_workspace(common)
    problems = verify(workspace.database, workspace.audit_head)
    if not problems:  # against a broken trail nothing can be held
        with workspace.database.connect() as connection:
            problems = contradictions(connection)
    count = len(records(workspace.database))
    if common.json:
        console.print_json({"rows": count, "problems": problems})
    elif not problems:
        print(f"the audit trail is whole, and what it tells of is there: {count:,} rows")
    for problem in problems:
        console.complain(problem)
    return 3 if problems else 0


@app.command
def export(out: Path, /, *, common: Common = COMMON) -> int:
    """Write the whole trail to .csv, .jsonl or .parquet."""
    import polars as pl

    from recon.io.audit import AuditRecord, records
    from recon.io.export import write_frame

    found = records(open_workspace(common).database)
    types = {"seq": pl.Int64}
    schema = {name: types.get(name, pl.String) for name in AuditRecord.__dataclass_fields__}
    write_frame(pl.DataFrame(found, schema=schema), out)
    console.show_written(len(found), "rows", out, as_json=common.json)
    return 0
