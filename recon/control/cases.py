"""The life of a case, as data: what may happen in which state, and what comes of it."""

from typing import Final

from recon.errors import UserError

STATES: Final = ("open", "assigned", "proposed", "resolved", "written_off", "closed")
UNSETTLED: Final = ("open", "assigned", "proposed")

REASON_CODES: Final = {
    "booked": "the missing or wrong entry was booked",
    "provider_corrected": "the provider has corrected it",
    "refunded": "the customer was refunded",
    "claimed": "claimed from the provider or the bank",
    "duplicate": "the same difference as another case",
    "expected": "a known and accepted difference",
    "other": "as the comment says",
}

# event: {state before: state after}. What is not here is refused.
TRANSITIONS: Final[dict[str, dict[str, str]]] = {
    "assign": {"open": "assigned", "assigned": "assigned", "proposed": "proposed"},
    "comment": {state: state for state in STATES},
    "attach": {state: state for state in STATES},
    "resolve": {"open": "resolved", "assigned": "resolved"},
    "propose write-off": {"open": "proposed", "assigned": "proposed"},
    "approve write-off": {"proposed": "written_off"},
    "reject write-off": {"proposed": "open"},
    "reopen": {"resolved": "open"},
    # What runs do by themselves.
    "clear": {"open": "closed", "assigned": "closed", "proposed": "closed"},
    "return": {"closed": "open"},
    "change": {"proposed": "open", "resolved": "open"},
}

_INSTEAD: Final = {
    "proposed": "approve or reject the write-off first",
    "resolved": "it is resolved; recon cases reopen takes that back",
    "written_off": "it is written off",
    "closed": "it is closed, since its difference is gone",
    "open": "it is open, and nothing is proposed",
    "assigned": "it is assigned, and nothing is proposed",
}


def after(event: str, state: str, case_id: int) -> str:
    """The state an event leads to. Errors: UserError where it may not happen."""
    allowed = TRANSITIONS[event]
    if state not in allowed:
        raise UserError(f"case {case_id}: cannot {event}: {_INSTEAD[state]}")
    return allowed[state]
