"""`recon sign-off` and `recon reopen`: signatures on days, which close them."""

from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, Only, open_workspace

app = App(name="sign-off", help="Signatures on days.", result_action="return_value")


@app.default
def sign_off(
    *,
    chosen: Chosen = CHOSEN,
    review: Annotated[bool, Parameter(help="as the second person", negative="")] = False,
    note: Annotated[str, Parameter(help="kept with it; needed where a day is not proved")] = "",
    common: Common = COMMON,
) -> int:
    """Sign days as their preparer, or with --review as their reviewer; they are closed then."""
    from recon.io import sign_offs

    period = chosen.period
    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    if review:
        count, done = sign_offs.review(workspace, accounts, period), "reviewed"
    else:
        count, done = sign_offs.prepare(workspace, accounts, period, note), "signed"
    if common.json:
        console.print_json({done: count, "by": workspace.actor})
    else:
        print(f"{count} day(s) {done} by {workspace.actor}: {period}")
    return 0


@app.command
def show(
    *,
    chosen: Chosen = CHOSEN,
    common: Common = COMMON,
) -> int:
    """Which days are signed, and by whom."""
    from recon.io import sign_offs

    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    period = chosen.period_if_any
    frame = sign_offs.signatures(workspace, accounts, period)
    console.show_frame(frame, "signatures", as_json=common.json, language=common.lang)
    return 0


@app.command
def verify(
    *,
    chosen: Chosen = CHOSEN,
    common: Common = COMMON,
) -> int:
    """Compare reports, runs and statements of signed days with what was signed."""
    from recon.io import sign_offs

    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    said = sign_offs.differences(workspace, accounts, chosen.period_if_any)
    if common.json:
        console.print_json({"differences": said})
    elif not said:
        print("everything is as it was signed")
    for sentence in said:
        console.complain(sentence)
    return 3 if said else 0


def reopen(
    *,
    date: str,
    account: list[str],
    reason: str,
    provider: Only = None,
    common: Common = COMMON,
) -> int:
    """Take back the signatures of a day and of the later ones that rest on it."""
    from recon.io import sign_offs
    from recon.periods import parse_date

    workspace = open_workspace(common)
    accounts = workspace.config.accounts_of(provider, account)
    days = sign_offs.reopen(workspace, accounts, parse_date(date), reason)
    if common.json:
        console.print_json({"reopened": [list(map(str, day)) for day in days]})
    else:
        for provider_name, number, day in days:
            print(f"{day} {provider_name} {number} is open again")
    return 0
