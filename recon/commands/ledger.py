"""`recon ledger`: the company's own entries, in and out."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, begin_workspace, open_workspace
from recon.errors import NotProvedError, ReconError, UserError

if TYPE_CHECKING:
    from recon.io.ledger import LedgerImport

_AHEAD: Final = timedelta(days=31)  # entries of a month to come may be booked already

app = App(name="ledger", help="The company's own entries.", result_action="return_value")


@app.command(name="import")
def import_files(
    files: Annotated[list[Path], Parameter(help=".csv or .parquet")],
    /,
    *,
    common: Common = COMMON,
) -> int:
    """Take entries from CSV or Parquet files; importing one again changes nothing.

    Each file is taken whole or refused whole, and one that is refused does not stop the others.
    """
    from datetime import UTC, datetime

    from recon.io.audit import keep_head
    from recon.io.ledger import far_ahead, import_ledger, unconfigured_accounts

    workspace, now = begin_workspace(common), datetime.now(UTC)
    done: dict[str, LedgerImport | ReconError] = {}
    for file in files:
        try:
            done[str(file)] = import_ledger(workspace.database, file, now, workspace.actor)
        except ReconError as error:
            done[str(file)] = error
    console.show_imports(done, as_json=common.json, language=common.lang)
    keep_head(workspace.database, workspace.audit_head)
    configured = workspace.config.accounts
    accounts = {(account.provider, account.account) for account in configured}
    for provider, account, count in unconfigured_accounts(workspace.database, accounts):
        console.complain(
            f"{count:,} entries are of {provider} {account}, which is not configured: no run looks "
            "at them; correct the file and import it again, or configure the account"
        )
    for provider, account, day in far_ahead(workspace.database, now.date() + _AHEAD):
        console.complain(
            f"{provider} {account}: entries are dated as far ahead as {day}, which no run reaches "
            "soon; if that is a slip, correct the file and import it again"
        )
    stale = {(one.provider, one.account): workspace.stale_days(one) for one in configured}
    console.tell_stale(stale, console.complain)
    codes = {_exit_code(one) for one in done.values()}
    return UserError.exit_code if UserError.exit_code in codes else max(codes, default=0)


def _exit_code(done: "LedgerImport | ReconError") -> int:
    if isinstance(done, ReconError):
        return done.exit_code
    return NotProvedError.exit_code if done.rejects.height else 0


@app.command
def show(
    *,
    chosen: Chosen = CHOSEN,
    out: Annotated[Path | None, Parameter(help="write them to .parquet, .csv or .jsonl")] = None,
    common: Common = COMMON,
) -> int:
    """Show the entries of a day or a range."""
    from recon.io.jobs import ledger_entries

    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    frame = ledger_entries(workspace, accounts, chosen.period)
    console.show_table(frame, "entries", out, as_json=common.json, language=common.lang)
    return 0
