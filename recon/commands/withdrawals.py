"""`recon withdrawals`: what taking money out has cost, and what we charge for it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, open_workspace

app = App(
    name="withdrawals",
    help="Withdrawals by the provider's tariff and by ours, with the margin.",
    result_action="return_value",
)


@app.default
def listed(
    *,
    chosen: Chosen = CHOSEN,
    out: Annotated[Path | None, Parameter(help="write them to .csv, .jsonl or .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """Show the withdrawals of a day or a range, with charges and margin, and their totals."""
    from recon.fees.withdrawals import totals
    from recon.io.fee_jobs import withdrawals

    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    found = withdrawals(workspace, accounts, chosen.period)
    console.show_table(found, "withdrawals", out, as_json=common.json, language=common.lang)
    if found.height and out is None and not common.json:
        console.show_frame(totals(found), "in_total", as_json=False, language=common.lang)
    return 0
