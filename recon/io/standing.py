"""The runs that something may rest on: signatures of days, payments to merchants."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from recon.errors import NotProvedError
from recon.io.days import Workspace
from recon.io.inputs import why_stale
from recon.io.reports import reported_run
from recon.io.runs import RunRecord, RunStore
from recon.periods import Period
from recon.settings import AccountSettings


def standing_runs(
    workspace: Workspace, account: AccountSettings, period: Period, *, unless_proved: str | None
) -> Iterator[tuple[RunRecord, Path]]:
    """The current run of every day of a period, with the folder of its reports. `unless_proved`
    says how to go on with a day that is not proved; with None it is taken all the same.

    Errors: NotProvedError for a day that was not run, is stale or not proved, or whose reports are
    not those of its run.
    """
    stale = workspace.stale_days(account)
    runs = RunStore(workspace.database)
    for day in period:
        name = f"{account.provider} {account.account} {day}"
        run = runs.previous(account.provider, account.account, day)
        if run is None:
            raise NotProvedError(f"{name} was not run yet; run it with: recon run --date {day}")
        if day in stale.dates:
            raise NotProvedError(
                f"{name} is stale: {why_stale(stale)}; run it again: recon run --date "
                f"{stale.dates[0]} --account {quote(account.account)} --cascade"
            )
        if not run.proved and unless_proved is not None:
            raise NotProvedError(
                f"{name} is not proved ({'; '.join(run.not_proved_because)}); {unless_proved}"
            )
        folder = workspace.report_directory(account.provider, account.account, day)
        if reported_run(folder) != run.run_id:
            raise NotProvedError(
                f"{name}: {folder} is not the report of its run; make it again with: recon run "
                f"--date {day}"
            )
        yield run, folder
