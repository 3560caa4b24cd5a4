"""`recon files`: which versions of a statement are here, and which of them counts."""

from shlex import quote
from typing import Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, open_workspace

app = App(name="files", help="Statements as received, by version.", result_action="return_value")


@app.command(name="list")
def list_files(*, chosen: Chosen = CHOSEN, common: Common = COMMON) -> int:
    """Every version of the statements of a day or a range, and which of them is used."""
    from recon.io.versions import versions

    period = chosen.period
    workspace = open_workspace(common)
    frame = versions(workspace, chosen.accounts(workspace), period)
    shown = frame if common.json else frame.rename({"name": "file", "kind": "file_kind"})
    console.show_frame(shown, "files", as_json=common.json, language=common.lang)
    return 0


@app.command
def use(
    file_id: Annotated[str, Parameter(help="its file_id, or how it begins")],
    /,
    *,
    reason: Annotated[str, Parameter(help="kept in the audit trail")],
    common: Common = COMMON,
) -> int:
    """Use an earlier version again: its source has withdrawn the correction."""
    from recon.io.versions import use_again

    workspace = open_workspace(common)
    places = use_again(workspace, file_id, reason)
    if common.json:
        days = [{"provider": p, "account": a, "business_date": str(d)} for p, a, d in places]
        console.print_json({"used_again": days, "by": workspace.actor})
        return 0
    for provider, account, day in places:
        print(
            f"{provider} {account} {day}: the earlier version counts again; run the day: "
            f"recon run --date {day} --provider {provider} --account {quote(account)} --cascade"
        )
    return 0
