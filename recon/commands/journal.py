"""`recon journal`: what was found, as double-entry postings."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, open_workspace

app = App(
    name="journal",
    help="The days as double-entry postings, by your chart of accounts.",
    result_action="return_value",
)


@app.default
def journal(
    *,
    chosen: Chosen = CHOSEN,
    format: Annotated[
        Literal["csv", "beancount", "hledger"] | None, Parameter(help="if the name does not say it")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="write them to .csv, .beancount or .hledger")
    ] = None,
    opening: Annotated[
        bool, Parameter(help="begin with what was there, and prove what is left", negative="")
    ] = False,
    detail: Annotated[
        bool, Parameter(help="a transaction for every line and entry, not sums", negative="")
    ] = False,
    common: Common = COMMON,
) -> int:
    """Show the postings of a day or a range, or write them for your bookkeeping."""
    from recon.io.journal import journal_of, write_journal

    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    made = journal_of(workspace, accounts, chosen.period, with_opening=opening, detailed=detail)
    if out is None:
        console.show_table(made.rows, "postings", None, as_json=common.json, language=common.lang)
        return 0
    write_journal(made, out, format)
    console.show_written(made.rows.height, "postings", out, as_json=common.json)
    return 0
