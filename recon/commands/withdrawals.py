"""`recon withdrawals`: what taking money out has cost, and what we charge for it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, open_workspace, period_of

app = App(
    name="withdrawals",
    help="Withdrawals by the provider's tariff and by ours, with the margin.",
    result_action="return_value",
)


@app.default
def listed(
    *,
    date: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    provider: list[str] | None = None,
    account: list[str] | None = None,
    out: Annotated[Path | None, Parameter(help="write them to .csv, .jsonl or .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """Show the withdrawals of a day or a range, with charges and margin."""
    from recon.io.fee_jobs import withdrawals

    workspace = open_workspace(common)
    accounts = workspace.config.accounts_of(provider, account)
    found = withdrawals(workspace, accounts, period_of(date, from_, to))
    console.show_table(found, "withdrawals", out, as_json=common.json)
    return 0
