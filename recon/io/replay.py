"""Whether cases, write-offs and signatures are what the audit trail says became of them.

The trail shows whether it was edited itself. What it tells of is in other tables, and somebody who
may drop a trigger may edit those. So its deeds are done again, one after the other, and what they
lead to is held against what is there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from recon.control.cases import TRANSITIONS
from recon.io.audit import PROGRAM, AuditRecord, streamed
from recon.io.case_sync import POLICY
from recon.io.control_schema import CASES, SIGN_OFFS, WRITE_OFFS
from recon.io.sign_offs import subject

# What runs do with cases, in their order, and the state it leads to.
_FOLLOWED: Final = {
    "opened": "open",
    **{event: next(iter(TRANSITIONS[event].values())) for event in ("clear", "return", "change")},
    "proposed": "proposed",
}
_Facts = dict[str, Any]
_UNDECIDED: Final = {"approved_by": None, "rejected_by": None}
_UNREVIEWED: Final = {"reviewed_by": None, "reopened_by": None}


@dataclass
class _Told:
    """What the trail leads to: the state of each case, and in their order its write-offs, and the
    signatures of each day, with what is known of them."""

    states: dict[int, str] = field(default_factory=dict)
    write_offs: dict[int, list[_Facts]] = field(default_factory=dict)
    signatures: dict[str, list[_Facts]] = field(default_factory=dict)


def contradictions(connection: sa.Connection) -> list[str]:
    """What the tables say otherwise than the trail, as sentences; nothing where they agree."""
    states = sa.select(CASES.c.case_id, CASES.c.state)
    write_offs = sa.select(WRITE_OFFS).order_by(WRITE_OFFS.c.write_off_id)
    signatures = sa.select(SIGN_OFFS).order_by(SIGN_OFFS.c.sign_off_id)
    told = _replayed(streamed(connection))
    there = _Told({row.case_id: row.state for row in connection.execute(states)})
    for row in connection.execute(write_offs).mappings():
        there.write_offs.setdefault(row["case_id"], []).append(dict(row))
    for row in connection.execute(signatures).mappings():
        day = subject((row["provider"], row["account"], row["business_date"]))
        there.signatures.setdefault(day, []).append(dict(row))
    return [
        *_otherwise("case", _as_facts(there.states), _as_facts(told.states)),
        *_otherwise("write-offs of case", there.write_offs, told.write_offs),
        *_otherwise("signatures of", there.signatures, told.signatures),
    ]


_LONG: Final = "not what the audit trail says"  # of the digests of a day's reports


def _as_facts(states: Mapping[int, str]) -> dict[int, list[_Facts]]:
    return {number: [{"state": state}] for number, state in states.items()}


def _otherwise(
    what: str, there: Mapping[Any, list[_Facts]], told: Mapping[Any, list[_Facts]]
) -> Iterator[str]:
    for key in sorted({*there, *told}):
        rows, expected = there.get(key, []), told.get(key, [])
        if len(rows) != len(expected):
            yield f"{what} {key}: {len(rows)} row(s), and the audit trail tells of {len(expected)}"
        for row, facts in zip(rows, expected, strict=False):
            for name, value in facts.items():
                if row[name] != value:
                    said = f"{row[name]}, and the audit trail says {value}"
                    yield f"{what} {key}: {name} is {_LONG if len(said) > 200 else said}"


def _replayed(records: Iterable[AuditRecord]) -> _Told:
    told = _Told()
    for record in records:
        what, _, name = record.subject.partition(":")
        detail = json.loads(record.detail)
        if record.event == "cases follow":
            _follow(told, detail)
        elif what == "case":
            _decide(told, int(name), record, detail)
        elif what == "day":
            _sign(told.signatures.setdefault(record.subject, []), record, detail)
    return told


def _follow(told: _Told, detail: Mapping[str, str]) -> None:
    for event, state in _FOLLOWED.items():
        for number in _numbers(detail.get(event, "")):
            if told.states.get(number) == "proposed":  # what is gone is not up for approval
                told.write_offs[number][-1]["rejected_by"] = PROGRAM
            if event == "proposed":
                by_policy = {"proposed_by": POLICY, **_UNDECIDED}
                told.write_offs.setdefault(number, []).append(by_policy)
            told.states[number] = state


def _decide(told: _Told, number: int, record: AuditRecord, detail: Mapping[str, Any]) -> None:
    before = told.states[number]
    told.states[number] = TRANSITIONS[record.event][before]
    if record.event == "propose write-off":
        facts = {name: detail[name] for name in ("booking_account", "currency")}
        facts |= {"proposed_by": record.actor, "amount": Decimal(detail["difference"])}
        told.write_offs.setdefault(number, []).append(facts | _UNDECIDED)
    elif record.event in _DECISIONS:
        told.write_offs[number][-1][_DECISIONS[record.event]] = record.actor


_DECISIONS: Final = {"approve write-off": "approved_by", "reject write-off": "rejected_by"}


def _sign(signatures: list[_Facts], record: AuditRecord, detail: Mapping[str, Any]) -> None:
    if record.event == "sign off":
        reports = json.dumps(detail["reports"], sort_keys=True)
        facts = {"run_id": record.after_hash, "reports": reports, "note": detail["note"]}
        signatures.append({"prepared_by": record.actor, **facts, **_UNREVIEWED})
    elif record.event == "review":
        signatures[-1]["reviewed_by"] = record.actor
    elif record.event == "reopen":
        signatures[-1] |= {"reopened_by": record.actor, "reopen_reason": detail["reason"]}


def _numbers(ranges: str) -> Iterator[int]:
    """1, 2, 3, 7 of `1-3,7`."""
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
