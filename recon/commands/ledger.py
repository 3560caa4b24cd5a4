"""`recon ledger`: the company's own entries, in and out."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, open_workspace

app = App(name="ledger", help="The company's own entries.", result_action="return_value")


@app.command(name="import")
def import_files(files: list[Path], /, *, common: Common = COMMON) -> int:
    """Take entries from CSV or Parquet files; importing one again changes nothing."""
    from datetime import UTC, datetime

    from recon.io.audit import keep_head
    from recon.io.ledger import LedgerImport, import_ledger, unconfigured_accounts

    workspace = open_workspace(common)
    done = LedgerImport.sum(
        import_ledger(workspace.database, file, datetime.now(UTC), workspace.actor)
        for file in files
    )
    keep_head(workspace.database, workspace.audit_head)
    console.show_import(done, as_json=common.json)
    accounts = {(account.provider, account.account) for account in workspace.config.accounts}
    for provider, account, count in unconfigured_accounts(workspace.database, accounts):
        console.complain(
            f"{count:,} entries are of {provider} {account}, which is not configured: no run looks "
            "at them; correct the file and import it again, or configure the account"
        )
    return 0 if done.rejects.height == 0 else 3


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
    console.show_table(frame, "entries", out, as_json=common.json)
    return 0
