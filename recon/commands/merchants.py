"""`recon merchants`: what they are owed, their statements, and the file for the bank."""

from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, Only, open_workspace, period_of

app = App(
    name="merchants",
    help="What merchants are owed: settlements, statements, the payment file.",
    result_action="return_value",
)


@app.command
def settle(
    *,
    from_: Annotated[str | None, Parameter(name="--from", help="first business date")] = None,
    to: Annotated[str | None, Parameter(help="last business date")] = None,
    date: Annotated[str | None, Parameter(help="or one business date")] = None,
    merchant: Only = None,
    supersede: Annotated[
        bool, Parameter(help="replace another settlement of the same days", negative="")
    ] = False,
    unproved: Annotated[
        bool, Parameter(help="also days that are not proved, as far as they match", negative="")
    ] = False,
    skip_earlier: Annotated[
        bool,
        Parameter(help="the first settlement: what came before was paid otherwise", negative=""),
    ] = False,
    common: Common = COMMON,
) -> int:
    """Settle a period: a statement for each merchant, and the payments for the bank."""
    from recon.io.merchants import settle as settle_merchants

    workspace = open_workspace(common)
    period = period_of(date, from_, to)
    done = settle_merchants(
        workspace,
        merchant,
        period,
        supersede=supersede,
        unproved=unproved,
        skip_earlier=skip_earlier,
    )
    console.show_settled(done, as_json=common.json, language=common.lang)
    return 0


@app.command
def show(
    *,
    merchant: Only = None,
    common: Common = COMMON,
) -> int:
    """Show what was settled, what is carried forward and what is held back."""
    from recon.io.merchants import known_settlements, merchants_named
    from recon.io.stale_settlements import marked, stale_settlements

    workspace = open_workspace(common)
    names = [one.merchant for one in merchants_named(workspace, merchant)]
    found = known_settlements(workspace.database)
    chosen = found.filter(found["merchant"].is_in(names))
    stale = [one for one in stale_settlements(workspace) if one.merchant in names]
    shown = marked(chosen, stale)
    console.show_table(shown, "settlements", None, as_json=common.json, language=common.lang)
    if not common.json:
        for one in stale:
            print(f"settled otherwise: {one}")
    return 0
