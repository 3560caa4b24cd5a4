"""Cases follow the runs and people: numbered once, closed and opened with their difference."""

import json
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
import sqlalchemy as sa

from recon.control_tables import CLEARED_ITEM, SMALL_DIFFERENCE
from recon.errors import UserError
from recon.io import evidence
from recon.io.audit import records, verify
from recon.io.cases import Cases
from recon.io.changes import changes_of
from recon.io.control_schema import WRITE_OFFS
from recon.io.database import Database
from recon.io.days import Workspace
from recon.io.replay import contradictions
from recon.io.runs import RunRecord, RunRows, RunStore
from recon.io.write_offs import approved_write_offs
from recon.money import MONEY
from recon.periods import one_day
from recon.tables import OPEN_ITEM, SETTLEMENT_BATCH, empty
from tests.io.test_runs import discrepancies, open_items, run_on
from tests.support import frame_of

WHOSE = ("stripe", "acct_1")


@dataclass
class Place:
    """A database with runs and cases in it, without the statements they would come from."""

    database: Database
    root: Path

    def run(self, day: int, run_id: str, *found: str, cleared: str = "", **more: Any) -> None:
        rows = [
            {"side": "line", "item_id": item, "cleared_on": date(2026, 11, day), "match_id": "M"}
            for item in cleared.split()
        ]
        small = [
            {"discrepancy_id": name, "booking_account": "6603", "is_proposed": True}
            for name in more.pop("small", "").split()
        ]
        carried = open_items(*more.pop("carried", "").split())
        run = RunRows(
            discrepancies(*found, currency="CNY", **more),
            carried,
            empty(SETTLEMENT_BATCH),
            cleared=frame_of(CLEARED_ITEM, rows),
            small_differences=frame_of(SMALL_DIFFERENCE, small),
        )
        record: RunRecord = run_on(day, run_id)
        RunStore(self.database).record(record, run)

    def as_(self, actor: str) -> Cases:
        place = Workspace(self.root, cast(Any, None), self.database, actor)
        return Cases(place)

    def cases(self) -> list[str]:
        """`number discrepancy state difference` each."""
        frame = self.as_("anna").listed(list(STATES))
        return [
            f"{number} {name} {state} {difference.normalize():f}"
            for number, name, state, difference in frame.select(
                "case_id", "discrepancy_id", "state", "difference"
            ).iter_rows()
        ]


STATES = ("open", "assigned", "proposed", "resolved", "written_off", "closed")


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    return Place(database, tmp_path)


def test_a_case_keeps_its_number_while_runs_come_and_go(place: Place) -> None:
    place.run(20, "r1", "match:L2=2", "match:L1=1")
    assert place.cases() == ["1 match:L1 open 1", "2 match:L2 open 2"]
    place.run(20, "r2", "match:L2=2", "match:L3=3")  # L1 is gone, L3 is new
    assert place.cases() == ["1 match:L1 closed 1", "2 match:L2 open 2", "3 match:L3 open 3"]
    place.run(20, "r3", "match:L1=1", "match:L2=2.50")  # and back again
    assert place.cases() == ["1 match:L1 open 1", "2 match:L2 open 2.5", "3 match:L3 closed 3"]
    place.run(20, "r2", "match:L2=2", "match:L3=3")  # the inputs are as they were
    assert place.cases() == ["1 match:L1 closed 1", "2 match:L2 open 2", "3 match:L3 open 3"]


def test_a_late_counterpart_closes_the_case_and_says_when_and_by_what(place: Place) -> None:
    place.run(20, "r20", "match:L1=1", "fee:L1=0.30")
    place.run(22, "r22", cleared="L1")
    assert place.cases() == ["1 fee:L1 open 0.3", "2 match:L1 closed 1"]  # the fee is not cleared
    case, told, _ = place.as_("anna").history(2)
    assert (case["cleared_on"], case["cleared_by"]) == (date(2026, 11, 22), "M")
    assert [record.event for record in told] == ["cases follow", "cases follow"]
    place.run(22, "r22b")  # the counterpart was a mistake
    assert place.cases() == ["1 fee:L1 open 0.3", "2 match:L1 open 1"]


def test_a_rerun_in_mid_history_keeps_what_a_later_day_has_cleared(place: Place) -> None:
    place.run(20, "r20")
    place.run(22, "r22", cleared="L1")
    place.run(20, "r20b", "match:L1=1")
    assert place.cases() == ["1 match:L1 closed 1"]


def test_a_difference_that_was_found_on_two_days_is_one_case(place: Place) -> None:
    place.run(20, "r20", "match:L1=1")
    place.run(21, "r21", "match:L1=4", cleared="L1")  # its counterpart came, with another amount
    assert place.cases() == ["1 match:L1 open 4"]
    place.run(21, "r21b")
    assert place.cases() == ["1 match:L1 open 1"]


def test_what_was_settled_for_one_amount_is_open_again_for_another(place: Place) -> None:
    place.run(20, "r1", "match:L1=1", "match:L2=2")
    anna = place.as_("anna")
    anna.resolve(1, "booked", "")
    anna.propose_write_off(2, "6602", "lost")
    place.run(20, "r2", "match:L1=1", "match:L2=2", "match:L3=3")
    assert place.cases()[:2] == ["1 match:L1 resolved 1", "2 match:L2 proposed 2"]
    place.run(20, "r3", "match:L1=1.01", "match:L2=2.01")
    assert place.cases()[:2] == ["1 match:L1 open 1.01", "2 match:L2 open 2.01"]
    with pytest.raises(UserError, match="nothing is proposed"):
        place.as_("ben").approve(2)  # nobody approves an amount that was not proposed


def test_everything_people_do_is_in_the_history_and_the_trail(place: Place) -> None:
    place.run(20, "r1", "match:L1=1")
    letter = place.root / "letter.pdf"
    letter.write_bytes(b"we are sorry")
    anna = place.as_("anna")
    anna.assign(1, "ben")
    anna.comment(1, "asked")
    anna.attach(1, letter)
    with pytest.raises(UserError, match=r"letter\.pdf is with case 1"):
        anna.attach(1, letter)
    anna.resolve(1, "other", "they paid in cash")
    case, told, files = anna.history(1)
    assert (case["state"], case["assignee"], case["reason_code"]) == ("resolved", "ben", "other")
    events = [(record.actor, record.event) for record in told[1:]]
    assert events == [("anna", name) for name in ("assign", "comment", "attach", "resolve")]
    assert [file.read_bytes() for file in files] == [b"we are sorry"]
    assert verify(place.database, place.root / "audit.head") == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_latest_day_tells_the_case_whichever_was_run_last(place: Place) -> None:
    place.run(21, "r1", "match:L1=2")
    place.run(20, "r2", "match:L1=1")
    assert place.cases() == ["1 match:L1 open 2"]


@pytest.mark.parametrize(
    ("amounts", "given_up"),
    [
        ({"amount_ledger": Decimal(10), "amount_provider": Decimal(9)}, ["E1", "L1"]),
        ({"amount_provider": Decimal(9)}, ["L1"]),  # its candidates stay
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_with_a_pair_both_rows_are_given_up_and_with_one_row_that_alone(
    place: Place, amounts: dict[str, Decimal], given_up: list[str]
) -> None:
    place.run(20, "r1", "match:L1=-1", line_ids=["L1"], entry_ids=["E1"], **amounts)
    place.as_("anna").propose_write_off(1, "6602", "lost")
    with place.database.connect() as connection:
        assert json.loads(connection.execute(sa.select(WRITE_OFFS.c.item_ids)).scalar_one()) == (
            given_up
        )


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_case_says_what_was_found_and_that_it_is_resolved_can_be_taken_back(
    place: Place,
) -> None:
    place.run(20, "r1", "match:L1=1")
    anna = place.as_("anna")
    anna.resolve(1, "claimed", "")
    anna.reopen(1, "they refuse")
    case, told, _ = anna.history(1)
    assert (case["state"], case["reason_code"]) == ("open", None)
    assert case["explanation"] == "they differ"
    assert (told[-1].event, json.loads(told[-1].detail)["reason"]) == ("reopen", "they refuse")
    with place.database.connect() as connection:
        assert contradictions(connection) == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_attachment_is_evidence_too_and_its_name_is_harmless(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run(20, "r1", "match:L1=1")
    letter = place.root / "a\x1b[2J\nletter.pdf"
    letter.write_bytes(b"we are sorry")
    anna = place.as_("anna")
    anna.attach(1, letter)
    _, told, [kept] = anna.history(1)
    assert json.loads(told[-1].detail)["name"] == "a_[2J_letter.pdf"
    assert kept.stat().st_mode & 0o777 == 0o400
    assert {folder.stat().st_mode & 0o777 for folder in (kept.parent, kept.parents[1])} == {0o700}

    def rewritten(source: Path, copy: Any) -> str:
        source.write_bytes(b"we are not sorry")
        return real(source, copy)

    real = evidence._copy
    monkeypatch.setattr(evidence, "_copy", rewritten)
    letter.write_bytes(b"another one")
    with pytest.raises(UserError, match="changed while it was read"):
        anna.attach(1, letter)
    assert [path for path in (place.root / "attachments").rglob("*") if path.is_file()] == [kept]


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (lambda cases: cases.assign(9, "ben"), "no case 9"),
        (lambda cases: cases.assign(1, " "), "the name of a person is empty"),
        (lambda cases: cases.comment(1, " "), "a comment is empty"),
        (lambda cases: cases.resolve(1, "whatever", ""), "no reason code 'whatever'; valid: book"),
        (lambda cases: cases.resolve(1, "other", " "), "needs --comment"),
        (
            lambda cases: cases.approve(1),
            "case 1: cannot approve write-off: it is open, and nothing",
        ),
        (lambda cases: cases.propose_write_off(1, " ", "lost"), "--booking-account is empty"),
        (lambda cases: cases.propose_write_off(1, "6602", ""), "--reason is empty"),
        (lambda cases: cases.reject(1, " "), "--reason is empty"),
        (lambda cases: cases.reopen(1, "a mistake"), "case 1: cannot reopen: it is open"),
        (lambda cases: cases.reopen(1, ""), "--reason is empty"),
        (lambda cases: cases.attach(1, Path("nowhere")), "nowhere cannot be read"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_mistake_is_one_line_and_changes_nothing(place: Place, deed: Any, message: str) -> None:
    place.run(20, "r1", "match:L1=1")
    before = len(records(place.database))
    with pytest.raises(UserError, match=message):
        deed(place.as_("anna"))
    assert len(records(place.database)) == before


def test_a_proposal_is_withdrawn_with_its_difference_and_who_rejected_one_before_stands(
    place: Place,
) -> None:
    place.run(20, "r1", "match:L1=1")
    anna = place.as_("anna")
    anna.propose_write_off(1, "6602", "lost")
    place.as_("ben").reject(1, "ask them first")
    anna.propose_write_off(1, "6602", "they are gone")
    place.run(20, "r2")
    assert place.cases() == ["1 match:L1 closed 1"]
    with place.database.connect() as connection:
        decided = sa.select(WRITE_OFFS.c.rejected_by).order_by(WRITE_OFFS.c.write_off_id)
        assert connection.execute(decided).scalars().all() == ["ben", "recon"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("one", "other"), [("Anna", "anna"), ("anna", "ANNA")])
def test_one_person_is_one_however_the_name_is_written(place: Place, one: str, other: str) -> None:
    place.run(20, "r1", "match:L1=1")
    place.as_(one).propose_write_off(1, "6602", "lost")
    with pytest.raises(UserError, match="another person must approve"):
        place.as_(other).approve(1)


@pytest.mark.parametrize(
    ("sides", "items"),
    [
        ({"amount_ledger": Decimal(1), "amount_provider": Decimal(2)}, ["E1", "L1", "L2"]),
        ({"amount_ledger": None, "amount_provider": Decimal(2)}, ["L1"]),
        ({"amount_ledger": Decimal(1), "amount_provider": None}, ["L1"]),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_candidates_of_a_one_sided_row_are_not_given_up_with_it(
    place: Place, sides: dict[str, Decimal | None], items: list[str]
) -> None:
    found = discrepancies("match:L1=1", currency="CNY").with_columns(
        line_ids=pl.lit(["L1", "L2"]),
        entry_ids=pl.lit(["E1"]),
        **{name: pl.lit(amount, dtype=MONEY) for name, amount in sides.items()},
    )
    rows = RunRows(found, empty(OPEN_ITEM), empty(SETTLEMENT_BATCH))
    RunStore(place.database).record(run_on(20, "r1"), rows)
    place.as_("anna").propose_write_off(1, "6602", "lost")
    with place.database.connect() as connection:
        kept = connection.execute(sa.select(WRITE_OFFS.c.item_ids)).scalar_one()
    assert json.loads(kept) == items


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_several_write_offs_are_approved_together_or_not_at_all(place: Place) -> None:
    place.run(20, "r1", "match:L1=1", "match:L2=2")
    place.as_("ben").propose_write_off(1, "6602", "lost")
    place.as_("anna").propose_write_off(2, "6602", "lost")
    told = len(records(place.database))
    with pytest.raises(UserError, match="case 2: anna has proposed this write-off"):
        place.as_("anna").approve(1, 2)
    assert len(records(place.database)) == told
    assert place.as_("carl").approve(1, 2) == [date(2026, 11, 21)] * 2


def test_small_differences_are_proposed_once_and_a_person_decides(place: Place) -> None:
    place.run(20, "r1", "match:L1=0.01", "match:L2=0.02", small="match:L1 match:L2")
    assert place.cases() == ["1 match:L1 proposed 0.01", "2 match:L2 proposed 0.02"]
    anna = place.as_("anna")
    assert anna.approve(1) == [date(2026, 11, 21)]
    anna.reject(2, "it grows every day")
    place.run(20, "r2", "match:L1=0.01", "match:L2=0.02", "match:L3=9", small="match:L1 match:L2")
    assert place.cases()[:2] == ["1 match:L1 written_off 0.01", "2 match:L2 open 0.02"]
    gone = approved_write_offs(place.database, *WHOSE, date(2026, 11, 21))
    assert gone.select("case_id", "amount", "booking_account", "approved_by").rows() == [
        (1, Decimal("0.01"), "6603", "anna")
    ]


def test_a_write_off_takes_effect_after_the_last_day_that_was_run(place: Place) -> None:
    place.run(20, "r20", "match:L1=5")
    place.run(25, "r25")
    place.as_("anna").propose_write_off(1, "6602", "lost")
    assert place.as_("ben").approve(1) == [date(2026, 11, 26)]
    for until, count in ((25, 0), (26, 1), (30, 1)):
        found = approved_write_offs(place.database, *WHOSE, date(2026, 11, until))
        assert found.height == count
    ids = approved_write_offs(place.database, *WHOSE, date(2026, 11, 26))["item_ids"]
    assert ids.to_list() == [["L1"]]


def test_a_fee_that_is_given_up_leaves_its_payment_in_the_carry(place: Place) -> None:
    place.run(20, "r20", "fee:L1=0.30")
    place.as_("anna").propose_write_off(1, "6602", "agreed")
    place.as_("ben").approve(1)
    gone = approved_write_offs(place.database, *WHOSE, date(2026, 11, 30))
    assert gone["item_ids"].to_list() == [[]]


def test_changes_are_kept_and_can_be_asked_for(place: Place) -> None:
    place.run(20, "r1", "a=1", "b=2", "c=3")
    place.run(20, "r2", "a=1", "b=5", "d=4")
    place.run(20, "r1", "a=1", "b=2", "c=3")
    reruns, rows = changes_of(place.database, one_day(date(2026, 11, 20)), *WHOSE)
    told = reruns.select("run_id", "supersedes", "new", "cleared", "changed").rows()
    assert told == [("r2", "r1", 1, 1, 1), ("r1", "r2", 1, 1, 1)]
    first = rows.filter(change_id=1).select(
        "change", "discrepancy_id", "difference_before", "difference"
    )
    assert [tuple(map(str, row)) for row in first.rows()] == [
        ("changed", "b", f"2.{'0' * 18}", f"5.{'0' * 18}"),
        ("cleared", "c", f"3.{'0' * 18}", "None"),
        ("new", "d", "None", f"4.{'0' * 18}"),
    ]


def test_the_database_itself_refuses_one_person_for_both_sides_of_a_write_off(
    place: Place,
) -> None:
    place.run(20, "r20", "match:L1=5", "match:L2=6")
    for number in (1, 2):
        place.as_("anna").propose_write_off(number, "6602", "lost")
    row = WRITE_OFFS.c
    approve: dict[str, Any] = {"approved_at": run_on(20, "x").finished_at,
                               "effective_on": date(2026, 11, 21)}  # fmt: skip
    attempts = [
        sa.update(WRITE_OFFS).values(approved_by="anna", **approve),
        sa.update(WRITE_OFFS).values(approved_by=" Anna", **approve),
        sa.update(WRITE_OFFS).values(proposed_by="ben", approved_by="anna", **approve),
        sa.update(WRITE_OFFS).values(amount=Decimal(500)),
        sa.delete(WRITE_OFFS),
    ]
    for attempt in attempts:
        with pytest.raises(sa.exc.IntegrityError), place.database.begin() as connection:
            connection.execute(attempt.where(row.case_id == 1))
    place.as_("ben").approve(1)
    with pytest.raises(sa.exc.IntegrityError), place.database.begin() as connection:
        connection.execute(sa.update(WRITE_OFFS).where(row.case_id == 1).values(approved_by="eve"))


def test_changes_of_a_closed_case_do_not_touch_its_neighbour(place: Place) -> None:
    other = replace(run_on(20, "other"), account="acct_2")
    rows = RunRows(
        discrepancies("match:L1=7", account="acct_2"), empty(OPEN_ITEM), empty(SETTLEMENT_BATCH)
    )
    RunStore(place.database).record(other, rows)
    place.run(20, "r1", "match:L1=1")
    place.run(21, "r2", cleared="L1")
    frame = place.as_("anna").listed(list(STATES)).select("account", "state").rows()
    assert frame == [("acct_2", "open"), ("acct_1", "closed")]
