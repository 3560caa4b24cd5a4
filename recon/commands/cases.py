"""`recon cases`: the work on discrepancies, from opening to a resolution or a write-off."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, Only, open_workspace

if TYPE_CHECKING:
    from recon.io.cases import Cases

app = App(name="cases", help="The work on discrepancies.", result_action="return_value")


def _cases(common: Common) -> "Cases":
    from recon.io.cases import Cases

    return Cases(open_workspace(common))


def _done(common: Common, text: str) -> int:
    if common.json:
        console.print_json({"done": text})
    else:
        print(text)
    return 0


@app.command(name="list")
def listed(
    *,
    state: Annotated[list[str] | None, Parameter(help="by default what is not settled")] = None,
    provider: Only = None,
    account: Only = None,
    assignee: Annotated[str | None, Parameter(help="those of this person")] = None,
    out: Annotated[Path | None, Parameter(help="write them to .csv, .jsonl or .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """Cases that need somebody, or those in the given states."""
    from recon.control.cases import STATES, UNSETTLED
    from recon.errors import UserError

    unknown = sorted(set(state or []) - {*STATES, "all"})
    if unknown:
        raise UserError(f"no state {', '.join(unknown)}; valid: {', '.join(STATES)}, all")
    states = list(STATES) if state and "all" in state else (state or list(UNSETTLED))
    frame = _cases(common).listed(states, provider, account, assignee)
    if out is not None:
        from recon.io.export import write_frame

        write_frame(frame, out)
        console.show_written(frame.height, "cases", out, as_json=common.json)
    else:
        shown = frame if common.json else frame.drop("cleared_by", "discrepancy_id", "opened_at")
        console.show_frame(shown, "cases", as_json=common.json, language=common.lang)
    return 0


@app.command
def show(number: int, /, *, common: Common = COMMON) -> int:
    """A case, everything that happened to it, and its attachments."""
    case, told, files = _cases(common).history(number)
    console.show_case(case, told, files, as_json=common.json, language=common.lang)
    return 0


@app.command
def assign(number: int, who: str, /, *, common: Common = COMMON) -> int:
    """Give a case to somebody."""
    _cases(common).assign(number, who)
    return _done(common, f"case {number} is assigned to {who}")


@app.command
def comment(number: int, text: str, /, *, common: Common = COMMON) -> int:
    """Write something down with a case."""
    _cases(common).comment(number, text)
    return _done(common, f"case {number}: comment kept")


@app.command
def attach(number: int, file: Path, /, *, common: Common = COMMON) -> int:
    """Keep a copy of a file with a case."""
    digest = _cases(common).attach(number, file)
    return _done(common, f"case {number}: {file.name} kept as {digest}")


@app.command
def resolve(
    number: int,
    /,
    *,
    reason_code: Annotated[str, Parameter(help="booked, claimed, refunded, ...")],
    comment: str = "",
    common: Common = COMMON,
) -> int:
    """Settle a case that needs no write-off."""
    _cases(common).resolve(number, reason_code, comment)
    return _done(common, f"case {number} is resolved: {reason_code}")


@app.command
def reopen(number: int, /, *, reason: str, common: Common = COMMON) -> int:
    """Take back that a case is resolved."""
    _cases(common).reopen(number, reason)
    return _done(common, f"case {number} is open again")


@app.command
def propose_write_off(
    number: int,
    /,
    *,
    booking_account: Annotated[str, Parameter(help="account of the general ledger")],
    reason: str,
    common: Common = COMMON,
) -> int:
    """Propose to give up the difference; another person must approve it."""
    _cases(common).propose_write_off(number, booking_account, reason)
    return _done(common, f"case {number}: write-off proposed to {booking_account}")


@app.command
def approve(numbers: list[int], /, *, common: Common = COMMON) -> int:
    """Approve write-offs that somebody else, or the policy, has proposed; all of them or none."""
    for number, day in zip(numbers, _cases(common).approve(*numbers), strict=True):
        _done(common, f"case {number} is written off, from {day} on")
    return 0


@app.command
def reject(number: int, /, *, reason: str, common: Common = COMMON) -> int:
    """Refuse a proposed write-off; the case is open again."""
    _cases(common).reject(number, reason)
    return _done(common, f"case {number}: write-off rejected")
