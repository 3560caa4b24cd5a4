"""Payouts on their way to a bank account: from runs of the provider and of the bank, as recorded.

The provider's run of a day sends them, the bank's run of a day receives them.
"""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from recon.control_tables import WRITE_OFF
from recon.io import stale
from recon.io.canonical import digest
from recon.io.database import Database
from recon.io.deliveries import Schedule
from recon.io.runs import RunRows, RunStore
from recon.io.stale import payouts_digest, payouts_due, stale_days
from recon.io.transit import payouts_in_transit, payouts_of, sent_by_day
from recon.periods import Period
from recon.tables import DISCREPANCY, OPEN_ITEM, PAYOUT, RECEIPT, SETTLEMENT_BATCH, empty
from tests.io.test_runs import RUN, discrepancies, open_items
from tests.support import account_of, frame_of

BANK = replace(account_of("bank"), account="NL01")

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def on(day: int) -> date:
    return date(2026, 11, day)


def payout(name: str, sent: int, due: int, amount: str = "10") -> dict[str, Any]:
    return {
        "payout_id": name,
        "provider": "stripe",
        "account": "acct_1",
        "pays_into": "NL01",
        "kind": "payout",
        "business_date": on(sent),
        "due_on": on(due),
        "currency": "EUR",
        "amount": amount,
    }


def send(database: Database, day: int, *payouts: dict[str, Any], again: str = "") -> None:
    run = replace(RUN, run_id=f"stripe {day}{again}", business_date=on(day))
    _record(database, run, payouts=frame_of(PAYOUT, payouts))


def receive(database: Database, day: int, *ids: str, inputs: dict[str, Any] | None = None) -> None:
    run = replace(
        RUN, run_id=f"bank {day}", provider="bank", account="NL01", business_date=on(day),
        inputs=inputs or {},
    )  # fmt: skip
    credits = [
        {
            "receipt_id": f"credit of {name}",
            "payout_id": name,
            "currency": "EUR",
            "payout_amount": "10",
        }
        for name in ids
    ]
    _record(database, run, receipts=frame_of(RECEIPT, credits))


def _record(database: Database, run: Any, **rows: pl.DataFrame) -> None:
    nothing = (empty(DISCREPANCY), empty(OPEN_ITEM), empty(SETTLEMENT_BATCH))
    RunStore(database).record(run, RunRows(*nothing, **rows))


def in_transit(database: Database, day: int) -> list[str]:
    return payouts_in_transit(database, "bank", "NL01", on(day))["payout_id"].to_list()


def test_a_payout_is_on_its_way_until_an_earlier_day_received_it(database: Database) -> None:
    send(database, 18, payout("A", 18, 19), payout("B", 18, 19))
    receive(database, 18)
    receive(database, 19, "A")
    assert in_transit(database, 17) == []
    assert in_transit(database, 19) == ["A", "B"]  # its own day may be run again
    assert in_transit(database, 20) == ["B"]


def test_a_payout_that_was_given_up_is_due_up_to_the_day_before(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(database, 18, payout("A", 18, 19), payout("B", 18, 19))
    receive(database, 18)
    given_up = frame_of(WRITE_OFF, [{"item_ids": ["A"], "effective_on": on(21)}])
    monkeypatch.setattr(stale, "approved_write_offs", lambda *given: given_up)
    due = {day: payouts_due(database, "bank", "NL01", on(day))["payout_id"] for day in (20, 21)}
    assert {day: ids.to_list() for day, ids in due.items()} == {20: ["A", "B"], 21: ["B"]}


def test_what_a_day_is_run_on_again_is_what_the_day_before_had_carried(database: Database) -> None:
    """A came short on the 19th and waited; the rest of it came on the 20th."""
    send(database, 18, payout("A", 18, 19))
    whose = {"provider": "bank", "account": "NL01"}
    for day, found, left in ((19, ["receipt:A=1"], ["A"]), (20, [], [])):
        run = replace(RUN, run_id=f"{day}", business_date=on(day), **whose)
        told = discrepancies(*found, type="payout_mismatch", **whose)
        items = open_items(*left).with_columns(side=pl.lit("payout"))
        RunStore(database).record(run, RunRows(told, items, empty(SETTLEMENT_BATCH)))
    assert {day: in_transit(database, day) for day in (20, 21)} == {20: ["A"], 21: []}


def test_a_payout_that_two_days_tell_is_on_its_way_once(database: Database) -> None:
    send(database, 18, payout("A", 18, 19, "10"))
    send(database, 19, payout("A", 18, 19, "11"))
    sent = payouts_in_transit(database, "bank", "NL01", on(19))
    assert sent.select("payout_id", "amount").rows() == [("A", 10)]  # as it was told first
    of_range = payouts_of(database, Period(on(18), on(19)))
    assert of_range.select("payout_id", "amount").rows() == [("A", 10)]


def test_what_was_due_before_the_bank_was_run_at_all_was_looked_for_by_nobody(
    database: Database,
) -> None:
    send(database, 15, payout("long ago", 15, 16), payout("yet to come", 15, 18))
    assert in_transit(database, 16) == ["long ago", "yet to come"]  # its first day, perhaps
    receive(database, 18)
    assert in_transit(database, 18) == ["yet to come"]
    assert in_transit(database, 19) == ["yet to come"]


def test_a_day_of_the_bank_is_stale_once_other_payouts_were_sent_to_it(database: Database) -> None:
    def stale() -> list[date]:
        return list(stale_days(database, database, BANK, [], Schedule("UTC")).dates)

    send(database, 18, payout("A", 18, 19))
    for day in (18, 19, 20):
        due = payouts_due(database, "bank", "NL01", on(day))
        receive(database, day, *(["A"] if day == 19 else []),
                inputs={"payouts": payouts_digest(due)})  # fmt: skip
    assert stale() == []
    send(database, 19, payout("B", 19, 20))
    assert stale() == [on(19), on(20)]
    send(database, 19, again=" without B")
    assert stale() == []


def test_a_day_is_stale_once_the_week_before_has_told_other_payouts(database: Database) -> None:
    account = replace(
        account_of("stripe"), account="acct_1", pays_into=(("EUR", "NL01"),), payout_window_days=2
    )
    read = sent_by_day(database, account)
    assert read(on(20)).is_empty()
    send(database, 12, payout("long ago", 12, 14))
    send(database, 13, payout("A", 13, 15))
    send(database, 19, payout("A", 19, 21), payout("B", 19, 21))
    sent = sent_by_day(database, account)(on(20))
    assert sent.rows() == [("A", on(13)), ("B", on(19))]

    def stale() -> tuple[list[date], str | None]:
        found = stale_days(database, database, account, [], Schedule("UTC"))
        return list(found.dates), found.because

    settings = {"account": digest(asdict(account))}
    inputs = settings | {"sent_before": payouts_digest(sent)}
    run = replace(RUN, run_id="stripe 20", business_date=on(20), inputs=inputs)
    _record(database, run)
    assert stale() == ([], None)
    send(database, 19, payout("A", 19, 21), again=" without B")
    assert stale() == ([on(20)], "sent_before")
    elsewhere = replace(account, pays_into=())
    assert sent_by_day(database, elsewhere)(on(20)).is_empty()
