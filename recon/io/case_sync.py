"""Cases follow the runs: opened with a difference, closed when it is gone, opened again when it
comes back. Called in the transaction that records a run.

A case is one (provider, account, discrepancy): the same whatever day or rerun finds it. Its
difference is there when a current run has found it and no later current run has cleared its item.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.control.cases import TRANSITIONS
from recon.errors import BrokenInvariantError
from recon.io import audit
from recon.io.audit import PROGRAM
from recon.io.control_schema import CASE_CHANGES, CASES, CLEARED_ITEMS, WRITE_OFFS
from recon.io.frames import read_rows, write_frame
from recon.io.schema import DISCREPANCIES, RUNS, current_runs_of
from recon.money import MONEY
from recon.tables import INSTANT, Schema, empty

POLICY: Final = "policy"  # who proposes what `[write_off]` of the configuration says

# The discrepancies that are about a row which may be carried; of a fee, say, that goes on its way.
_ABOUT_AN_ITEM: Final = "^(match|receipt|payout|booking):"

_FACTS: Final[Schema] = {
    "discrepancy_id": pl.String(),
    "type": pl.String(),
    "business_date": pl.Date(),
    "merchant_ref": pl.String(),
    "currency": pl.String(),
    "difference": MONEY,
}
_KNOWN: Final[Schema] = {"case_id": pl.Int64(), **_FACTS, "item_id": pl.String(),
                         "state": pl.String()}  # fmt: skip
_CLEARED: Final[Schema] = {
    "item_id": pl.String(),
    "cleared_on": pl.Date(),
    "match_id": pl.String(),
}
# What cases have of a discrepancy; what may change from run to run.
_COLUMNS: Final[Schema] = {
    **_KNOWN,
    "provider": pl.String(),
    "account": pl.String(),
    "opened_at": INSTANT,
}


@dataclass(frozen=True)
class RunOfCases:
    """The run that was recorded, and the one it has superseded."""

    run_id: str
    supersedes: str | None
    provider: str
    account: str
    business_date: date
    now: datetime


def follow(connection: sa.Connection, run: RunOfCases, small: pl.DataFrame) -> None:
    """Bring the cases of the run's account in line with its current runs; `small` is
    SMALL_DIFFERENCE of the run, whose cases are proposed to be written off."""
    touched = _touched(run)
    facts = _latest_facts(connection, run, touched)
    known = _cases(connection, run, touched)
    opened = _open(connection, run, facts.join(known, on="discrepancy_id", how="anti"))
    both = pl.concat([known, opened])
    cleared = _clearings(connection, run, both)
    moves = _moves(both, facts, cleared)
    proposed = _proposable(connection, run, both, moves, small)
    changed = facts.join(known, on="discrepancy_id", how="semi")
    changed = changed.join(known, on=list(_FACTS), how="anti", nulls_equal=True)
    if changed.height:
        _update_facts(connection, run, changed)
    if not (opened.height or moves.height or proposed.height):
        return
    by_event = {
        "opened": opened["case_id"],
        **{event: moves.filter(event=event)["case_id"] for event in ("clear", "return", "change")},
        "proposed": proposed["case_id"],
    }
    seq = audit.append(
        connection,
        actor=PROGRAM,
        event="cases follow",
        subject=f"run:{run.run_id}",
        now=run.now,
        **{event: ranges(ids) for event, ids in by_event.items() if ids.len()},
    )
    _withdraw(connection, run, moves)
    _update_states(connection, moves)
    _propose(connection, run, proposed)
    _keep_changes(connection, seq, opened, moves, proposed)


def ranges(numbers: pl.Series) -> str:
    """`1-3,7` of 1, 2, 3, 7."""
    given = sorted(numbers)
    starts = [n for place, n in enumerate(given) if place == 0 or given[place - 1] != n - 1]
    ends = [n for place, n in enumerate(given) if n == given[-1] or given[place + 1] != n + 1]
    pairs = zip(starts, ends, strict=True)
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in pairs)


def _of_account(run: RunOfCases, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.provider == run.provider, table.c.account == run.account


def _current(run: RunOfCases) -> tuple[sa.ColumnElement[bool], ...]:
    return (*_of_account(run, RUNS), RUNS.c.superseded_by.is_(None))


def _is_an_item_of_cases() -> sa.ColumnElement[bool]:
    """A credit that was a part of a payout is none: as a line, it may still lack its entry."""
    return CLEARED_ITEMS.c.side != "credit"


def _touched(run: RunOfCases) -> sa.CompoundSelect[Any]:
    """The discrepancy_ids that this run or the superseded one found, or whose item one cleared."""
    runs = [run.run_id] if run.supersedes is None else [run.run_id, run.supersedes]
    found = sa.select(DISCREPANCIES.c.discrepancy_id).where(DISCREPANCIES.c.run_id.in_(runs))
    cleared = sa.select(CLEARED_ITEMS.c.item_id).where(
        CLEARED_ITEMS.c.run_id.in_(runs), _is_an_item_of_cases()
    )
    of_items = sa.select(CASES.c.discrepancy_id).where(
        *_of_account(run, CASES), CASES.c.item_id.in_(cleared)
    )
    return sa.union(found, of_items)


def _latest_facts(
    connection: sa.Connection, run: RunOfCases, touched: sa.CompoundSelect[Any]
) -> pl.DataFrame:
    """What the latest current run that found a discrepancy says of it."""
    found = DISCREPANCIES.c
    columns = [found[name] for name in _FACTS if name != "business_date"]
    select = (
        sa.select(*columns, RUNS.c.business_date)
        .join_from(DISCREPANCIES, RUNS, found.run_id == RUNS.c.run_id)
        .where(*_current(run), found.discrepancy_id.in_(touched))
    )
    return (
        read_rows(connection, select, _FACTS)
        .sort("business_date")
        .unique("discrepancy_id", keep="last")
        .sort("discrepancy_id")
    )


def _cases(
    connection: sa.Connection, run: RunOfCases, touched: sa.CompoundSelect[Any]
) -> pl.DataFrame:
    select = sa.select(*(CASES.c[name] for name in _KNOWN)).where(
        *_of_account(run, CASES), CASES.c.discrepancy_id.in_(touched)
    )
    return read_rows(connection, select, _KNOWN).sort("case_id")


def _open(connection: sa.Connection, run: RunOfCases, facts: pl.DataFrame) -> pl.DataFrame:
    """New cases, numbered in the order of their discrepancy_id."""
    newest = sa.select(sa.func.coalesce(sa.func.max(CASES.c.case_id), 0))
    first = int(connection.execute(newest).scalar_one()) + 1
    made = (
        facts.with_row_index("case_id", offset=first)
        .with_columns(
            item_id=pl.col("discrepancy_id").str.replace(_ABOUT_AN_ITEM, ""),
            state=pl.lit("open"),
            provider=pl.lit(run.provider),
            account=pl.lit(run.account),
            opened_at=pl.lit(run.now),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in _COLUMNS.items())
    )
    write_frame(connection, CASES, made)
    return made.select(list(_KNOWN))


def _clearings(connection: sa.Connection, run: RunOfCases, cases: pl.DataFrame) -> pl.DataFrame:
    """When a later current run cleared the item of a case, and by which match."""
    if cases.height == 0:
        return empty(_CLEARED)
    cleared = CLEARED_ITEMS.c
    of_cases = sa.select(CASES.c.item_id).where(
        *_of_account(run, CASES),
        CASES.c.case_id.between(cases["case_id"].min(), cases["case_id"].max()),
    )
    select = (
        sa.select(*(cleared[name] for name in _CLEARED))
        .join_from(CLEARED_ITEMS, RUNS, cleared.run_id == RUNS.c.run_id)
        .where(*_current(run), cleared.item_id.in_(of_cases), _is_an_item_of_cases())
    )
    return read_rows(connection, select, _CLEARED).sort("cleared_on").unique("item_id", keep="last")


def _moves(cases: pl.DataFrame, facts: pl.DataFrame, cleared: pl.DataFrame) -> pl.DataFrame:
    """What happens to which case: case_id, state, event, to_state, cleared_on, cleared_by."""
    seen = cases.join(
        facts.select("discrepancy_id", found_on="business_date", now_type="type",
                     now_difference="difference"),
        on="discrepancy_id", how="left",
    ).join(cleared, on="item_id", how="left")  # fmt: skip
    is_cleared = (pl.col("cleared_on") > pl.col("found_on")).fill_null(value=False)
    is_there = pl.col("found_on").is_not_null() & ~is_cleared
    differs = (pl.col("now_difference") != pl.col("difference")) | (
        pl.col("now_type") != pl.col("type")
    )
    event = (
        pl.when(~is_there & pl.col("state").is_in(list(TRANSITIONS["clear"])))
        .then(pl.lit("clear"))
        .when(is_there & pl.col("state").is_in(list(TRANSITIONS["return"])))
        .then(pl.lit("return"))
        .when(is_there & differs & pl.col("state").is_in(list(TRANSITIONS["change"])))
        .then(pl.lit("change"))
    )
    target = {event: next(iter(states.values())) for event, states in TRANSITIONS.items()}
    return (
        seen.with_columns(event=event)
        .drop_nulls("event")
        .select(
            "case_id",
            "state",
            "event",
            to_state=pl.col("event").replace_strict(target, return_dtype=pl.String),
            cleared_on=pl.when(is_cleared).then("cleared_on"),
            cleared_by=pl.when(is_cleared).then(
                pl.col("match_id").fill_null("a correction, or another discrepancy")
            ),
        )
    )


def _proposable(
    connection: sa.Connection,
    run: RunOfCases,
    cases: pl.DataFrame,
    moves: pl.DataFrame,
    small: pl.DataFrame,
) -> pl.DataFrame:
    """Cases that are open now and that the policy wants to write off, unless a person has once
    decided about the same amount."""
    wanted = small.filter("is_proposed").select("discrepancy_id", "booking_account")
    if wanted.height == 0:
        return cases.head(0).with_columns(booking_account=pl.lit("", pl.String))
    decided = read_rows(
        connection,
        sa.select(WRITE_OFFS.c.case_id, WRITE_OFFS.c.amount).where(*_of_account(run, WRITE_OFFS)),
        {"case_id": pl.Int64(), "amount": MONEY},
    )
    state = pl.coalesce("to_state", "state")
    return (
        cases.join(moves.select("case_id", "to_state"), on="case_id", how="left")
        .filter(state.is_in(["open", "assigned"]))
        .drop("to_state")
        .join(wanted, on="discrepancy_id", how="inner")
        .join(
            decided, left_on=["case_id", "difference"], right_on=["case_id", "amount"], how="anti"
        )
        .sort("case_id")
    )


def _withdraw(connection: sa.Connection, run: RunOfCases, moves: pl.DataFrame) -> None:
    """A write-off that was proposed for what is gone or has changed is not up for approval."""
    withdrawn = moves.filter(state="proposed")["case_id"].to_list()
    for case_id in withdrawn:
        pending = WRITE_OFFS.c
        connection.execute(
            sa.update(WRITE_OFFS)
            .where(
                pending.case_id == case_id,
                pending.approved_by.is_(None),
                pending.rejected_by.is_(None),
            )
            .values(rejected_by=PROGRAM, rejected_at=run.now)
        )


def _update_facts(connection: sa.Connection, run: RunOfCases, facts: pl.DataFrame) -> None:
    """Write what the latest run says of known cases."""
    this = (*_of_account(run, CASES), CASES.c.discrepancy_id == sa.bindparam("id"))
    values: dict[str, Any] = {
        name: sa.bindparam(name) for name in _FACTS if name != "discrepancy_id"
    }
    rows = [{"id": row.pop("discrepancy_id"), **row} for row in facts.to_dicts()]
    connection.execute(sa.update(CASES).where(*this).values(values), rows)


def _update_states(connection: sa.Connection, moves: pl.DataFrame) -> None:
    if moves.height == 0:
        return
    moved: dict[str, Any] = {
        "state": sa.bindparam("to_state"),
        "cleared_on": sa.bindparam("on"),
        "cleared_by": sa.bindparam("by"),
    }
    rows = moves.select("to_state", id="case_id", on="cleared_on", by="cleared_by").to_dicts()
    connection.execute(
        sa.update(CASES).where(CASES.c.case_id == sa.bindparam("id")).values(moved), rows
    )


def _propose(connection: sa.Connection, run: RunOfCases, proposed: pl.DataFrame) -> None:
    for row in proposed.to_dicts():
        insert_write_off(connection, row | {"provider": run.provider, "account": run.account},
                         booking_account=row["booking_account"], reason_code="small difference",
                         proposed_by=POLICY, now=run.now)  # fmt: skip
        this = CASES.c.case_id == row["case_id"]
        connection.execute(sa.update(CASES).where(this).values(state="proposed"))


def insert_write_off(
    connection: sa.Connection,
    case: Mapping[str, Any],
    *,
    booking_account: str,
    reason_code: str,
    proposed_by: str,
    now: datetime,
) -> None:
    """Propose to write off the difference of a case; which open items go with it is looked up."""
    newest = sa.select(sa.func.coalesce(sa.func.max(WRITE_OFFS.c.write_off_id), 0))
    names = ("case_id", "provider", "account", "discrepancy_id", "type", "business_date")
    values = {name: case[name] for name in names} | {
        "write_off_id": int(connection.execute(newest).scalar_one()) + 1,
        "currency": case["currency"],
        "amount": case["difference"],
        "booking_account": booking_account,
        "reason_code": reason_code,
        "item_ids": item_ids(connection, case),
        "proposed_by": proposed_by,
        "proposed_at": now,
    }
    connection.execute(sa.insert(WRITE_OFFS).values(values))


def item_ids(connection: sa.Connection, case: Mapping[str, Any]) -> str:
    """The rows whose difference it is, as JSON: all of those that belong together, and of a
    one-sided row itself only, since its candidates are not given up with it."""
    if not re.match(_ABOUT_AN_ITEM, case["discrepancy_id"]):
        return "[]"  # a fee that is given up leaves its payment where it is
    columns = ("line_ids", "entry_ids", "amount_ledger", "amount_provider")
    row = latest_finding(connection, case, columns)
    if row is None:
        raise BrokenInvariantError(f"no current run has found {case['discrepancy_id']}")
    ids = {case["item_id"]}
    if row.amount_ledger is not None and row.amount_provider is not None:
        ids |= {*json.loads(row.line_ids or "[]"), *json.loads(row.entry_ids or "[]")}
    return json.dumps(sorted(ids), ensure_ascii=False)


def latest_finding(
    connection: sa.Connection, case: Mapping[str, Any], columns: Sequence[str]
) -> sa.Row[Any] | None:
    """What the latest current run that found the discrepancy of a case says of it; None where none
    does any more."""
    found = DISCREPANCIES.c
    return connection.execute(
        sa.select(*(found[name] for name in columns))
        .join_from(DISCREPANCIES, RUNS, found.run_id == RUNS.c.run_id)
        .where(
            *current_runs_of(case["provider"], case["account"]),
            found.discrepancy_id == case["discrepancy_id"],
        )
        .order_by(RUNS.c.business_date.desc())
        .limit(1)
    ).first()


def _keep_changes(
    connection: sa.Connection,
    seq: int,
    opened: pl.DataFrame,
    moves: pl.DataFrame,
    proposed: pl.DataFrame,
) -> None:
    """One row a case and audit row, from where it was to where it is now."""
    parts = [
        opened.select("case_id", from_state=pl.lit("none"), to_state=pl.lit("open")),
        moves.select("case_id", "to_state", from_state="state"),
        proposed.select("case_id", from_state=pl.lit("open"), to_state=pl.lit("proposed")),
    ]
    columns = ["case_id", "from_state", "to_state"]
    every = pl.concat(part.select(columns) for part in parts)
    netted = every.group_by("case_id", maintain_order=True).agg(
        pl.col("from_state").first(), pl.col("to_state").last()
    )
    write_frame(connection, CASE_CHANGES, netted.with_columns(seq=pl.lit(seq)))
