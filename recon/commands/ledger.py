"""`recon ledger`: the company's own entries, in and out."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, open_workspace, period_of

app = App(name="ledger", help="The company's own entries.", result_action="return_value")


@app.command(name="import")
def import_files(files: list[Path], /, *, common: Common = COMMON) -> int:
    """Take entries from CSV or Parquet files; importing one again changes nothing."""
    from datetime import UTC, datetime

    from recon.io.audit import keep_head
    from recon.io.ledger import LedgerImport, import_ledger

    workspace = open_workspace(common)
    done = LedgerImport.sum(
        import_ledger(workspace.database, file, datetime.now(UTC), workspace.actor)
        for file in files
    )
    keep_head(workspace.database, workspace.audit_head)
    console.show_import(done, as_json=common.json)
    return 0 if done.rejects.height == 0 else 3


@app.command
def show(
    *,
    date: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    provider: list[str] | None = None,
    account: list[str] | None = None,
    out: Annotated[Path | None, Parameter(help="write them to .parquet, .csv or .jsonl")] = None,
    common: Common = COMMON,
) -> int:
    """Show the entries of a day or a range."""
    from recon.io.jobs import ledger_entries

    workspace = open_workspace(common)
    accounts = workspace.config.accounts_of(provider, account)
    frame = ledger_entries(workspace, accounts, period_of(date, from_, to))
    console.show_table(frame, "entries", out, as_json=common.json)
    return 0
