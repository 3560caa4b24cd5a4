"""Every type of discrepancy there is can be produced, through the whole pipeline of a day.

Most are planted by the generator; what happens to whole files, balances and payouts is done here to
a clean day. A type that nothing produces would be a promise nobody keeps.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache

import polars as pl
import pytest

from recon.day import DayInput, MemoryStore
from recon.money import MONEY
from recon.pipeline import run_day
from recon.providers import provider_named
from recon.tables import (
    DISCREPANCY_TYPES,
    LEDGER_ENTRY,
    OPEN_ITEM,
    PAYOUT,
    REJECT,
    empty,
)
from recon.wording import ACTIONS
from tests.generator import (
    PLANTABLE,
    DaySpec,
    GeneratedDay,
    default_plants,
    generate_day,
    lose_rows,
)
from tests.support import (
    TODAY,
    account_of,
    changed,
    frame_of,
    run,
    run_files,
    shipped_config,
    small_day,
    statements_of,
)

_ROWS = 240


@cache
def planted_types(provider: str) -> frozenset[str]:
    """What two days with everything planted report; those of the first wait for the second."""
    account = account_of(provider, line_window_days=2, entry_window_days=2)
    days: list[GeneratedDay] = []
    for offset in range(3):
        spec = DaySpec(
            provider=provider,
            account=account.account,
            business_date=TODAY + timedelta(days=offset),
            rows=_ROWS,
            plants=default_plants(provider, _ROWS) | {"unmapped_row": 1, "date_mismatch": 1},
            opening_balances=days[-1].closing_balances if days else None,
            line_window_days=2,
            entry_window_days=2,
        )
        days.append(generate_day(spec))
    ledger = pl.concat([day.ledger for day in days])
    found, left = set[str](), None
    for day in days:
        result = run_files(account, day.spec.business_date, day.files, ledger, open_items=left)
        left = result.open_items
        found |= set(result.discrepancies["type"])
    return frozenset(found)


Files = Mapping[str, bytes]
BILL = "trade_all"


def lost_rows() -> set[str]:
    files = changed(small_day("paypal").files, "", lose_rows)
    return set(run(small_day("paypal"), files=files).discrepancies["type"])


def edited(old: str, new: str) -> set[str]:
    """One row of the bill says something else."""
    day = small_day()
    files = changed(day.files, BILL, lambda data: data.replace(old.encode(), new.encode(), 1))
    return set(run(day, files=files).discrepancies["type"])


def a_file_less() -> set[str]:
    day = small_day()
    files = {name: data for name, data in day.files.items() if BILL not in name}
    return set(run(day, files=files).discrepancies["type"])


def a_file_twice() -> set[str]:
    day = small_day("paypal")
    (name, data), *_ = day.files.items()
    files = {**day.files, name.replace(".01.", ".02."): data + b"\n"}
    return set(run(day, files=files).discrepancies["type"])


def a_movement_no_bill_shows() -> set[str]:
    """The balances of the fund flow move, and the trade bill says that nothing happened."""
    from tests.test_pipeline import no_activity

    day = small_day()
    files = changed(day.files, BILL, no_activity)
    return set(run(day, files=files, ledger=day.ledger.clear()).discrepancies["type"])


def no_fee_told() -> set[str]:
    """A source that does not say what it charged."""
    day = small_day()
    statements = []
    for statement in statements_of("wechatpay", day.files):
        read = statement.kind.read

        def silent(content, context, read=read):  # type: ignore[no-untyped-def]
            reading = read(content, context)
            unknown = pl.lit(None, dtype=MONEY)
            return replace(reading, lines=reading.lines.with_columns(fee=unknown))

        statements.append(replace(statement, kind=replace(statement.kind, read=silent)))
    given = _input("wechatpay", day.ledger, statements=tuple(statements))
    return set(run_day(given, shipped_config().policy, MemoryStore()).discrepancies["type"])


def _input(provider: str, ledger: pl.DataFrame, **more: object) -> DayInput:
    return DayInput(
        account=account_of(provider),
        provider=provider_named(provider, shipped_config().providers),
        business_date=TODAY,
        entries=ledger.lazy(),
        entry_rejects=empty(REJECT),
        open_items=empty(OPEN_ITEM),
        **more,  # type: ignore[arg-type]
    )


def payouts_of_the_bank() -> set[str]:
    """A statement of the bank against what was sent to it: one arrived short, one not at all."""
    folder = shipped_config().directory.parent / "sample_statements" / "bank"
    account = account_of("bank")
    name = f"{account.account}_{TODAY}.camt053.xml"
    files = {name: (folder / name).read_bytes()}
    (lines,) = [run_files(account, TODAY, files, empty(LEDGER_ENTRY)).lines.collect()]
    numbered = lines.sort("gross").row(-1, named=True)
    sent = {"provider": "stripe", "account": "a", "pays_into": account.account, "kind": "payout"}
    payouts = frame_of(
        PAYOUT,
        [
            sent
            | {"payout_id": f"p{n}", "txn_id": txn_id, "currency": "EUR", "amount": amount}
            | {"business_date": "2026-11-10", "due_on": "2026-11-13"}
            for n, (txn_id, amount) in enumerate(
                [(numbered["txn_id"], str(numbered["gross"] + 5)), ("po_lost", "77777.00")]
            )
        ],
    )
    given = _input(
        "bank",
        empty(LEDGER_ENTRY),
        statements=statements_of("bank", files),
        payouts=payouts,
    )
    # The credits without a payout wait a day for one, and for their entries.
    before = run_day(given, shipped_config().policy, MemoryStore())
    nothing = replace(
        given,
        business_date=TODAY + timedelta(days=1),
        statements=(),
        expected=replace(given.expected, state="quiet"),
        open_items=before.open_items,
    )
    after = run_day(nothing, shipped_config().policy, MemoryStore())
    return set(before.discrepancies["type"]) | set(after.discrepancies["type"])


FOUND_BY = {
    "control_total_mismatch": lost_rows,
    "validation_failed": lambda: edited(",`CNY,", ",`XXX,"),
    "file_missing": a_file_less,
    "file_duplicate": a_file_twice,
    "balance_mismatch": a_movement_no_bill_shows,
    "fee_data_missing": no_fee_told,
    "payout_mismatch": payouts_of_the_bank,
    "payout_not_received": payouts_of_the_bank,
    "unidentified_receipt": payouts_of_the_bank,
}


@pytest.mark.parametrize("type_", DISCREPANCY_TYPES)
def test_every_type_is_produced_by_a_day_in_which_it_happens(type_: str) -> None:
    assert type_ in ACTIONS
    if type_ in FOUND_BY:
        assert type_ in FOUND_BY[type_]()
        return
    planted_by = [provider for provider, plants in PLANTABLE.items() if type_ in plants]
    assert planted_by, f"nothing produces {type_}"
    for provider in planted_by:
        assert type_ in planted_types(provider)
