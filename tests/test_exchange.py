"""Exchanges against reference rates: payments settled in another currency, and conversions.

One euro is 1.25 dollars, 0.8 pounds and 160 yen on Thursday 19 November and on Friday 20.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.discrepancies import Day
from recon.exchange import ExchangePolicy, attributed, exchanged
from recon.tables import DISCREPANCY, EXCHANGE_RATE
from tests.support import WHOSE, frame_of, line, lines

TWO_PERCENT = ExchangePolicy(Decimal(2))
RATES = frame_of(
    EXCHANGE_RATE,
    [
        {"rated_on": f"2026-11-{day}", "currency": code, "per_euro": rate}
        for day in (19, 20)
        for code, rate in (("USD", "1.25"), ("GBP", "0.8"), ("JPY", "160"))
    ],
)


def settled(original: str, settled_as: str, **facts: Any) -> dict[str, Any]:
    amount, currency = original.split()
    gross, into = settled_as.split()
    return line(
        facts.pop("line_id", "L1"),
        original_amount=amount,
        original_currency=currency,
        gross=gross,
        currency=into,
        merchant_ref="R1",
        **facts,
    )


def leg(line_id: str, amount: str, **facts: Any) -> dict[str, Any]:
    gross, currency = amount.split()
    usual = {"kind": "conversion", "parent_txn_id": "T1", "txn_id": line_id}
    return line(line_id, **(usual | {"gross": gross, "currency": currency} | facts))


def found(
    *rows: dict[str, Any], policy: ExchangePolicy = TWO_PERCENT, day: Day = WHOSE
) -> pl.DataFrame:
    return exchanged(lines(*rows).lazy(), RATES, policy, day).discrepancies


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        ([("L1", "-100.00 EUR")], "-100.00 EUR"),
        ([("L1", "125.00 USD")], "125.00 USD"),
        ([("L1", "-100.00 EUR"), ("L2", "100.00 EUR")], "-100.00 EUR, 100.00 EUR"),
        ([("L1", "-100.00 EUR"), ("L2", "-1.00 USD")], "-100.00 EUR, -1.00 USD"),
        (
            [("L1", "-100.00 EUR"), ("L2", "60.00 USD"), ("L3", "65.00 USD")],
            "-100.00 EUR, 60.00 USD, 65.00 USD",
        ),
    ],
)
def test_a_conversion_without_its_other_leg_is_told(legs: list[tuple[str, str]], said: str) -> None:
    for language in ("en", "zh"):
        (row,) = found(
            *(leg(*one) for one in legs), day=replace(WHOSE, language=language)
        ).to_dicts()
        assert (row["type"], row["difference"]) == ("fx_variance", 0)
        assert row["line_ids"] == [name for name, _ in legs]
        assert "T1" in row["explanation"]
        assert said in row["explanation"]


def test_a_leg_that_the_statement_repeats_or_that_moves_nothing_is_no_lone_one() -> None:
    pair = [leg("L1", "-100.00 EUR"), leg("L2", "125.00 USD")]
    assert found(*pair, pair[0]).height == 0
    assert found(leg("L1", "0.00 EUR")).height == 0


@pytest.mark.parametrize(
    ("original", "settled_as", "difference"),
    [
        ("80.00 GBP", "100.00 EUR", None),
        ("80.00 GBP", "98.00 EUR", None),  # two percent less, and allowed
        ("80.00 GBP", "97.98 EUR", "-2.02"),  # a cent of rounding is allowed beyond it
        ("80.00 GBP", "102.02 EUR", "2.02"),  # too much is a variance as well, sign kept
        ("-80.00 GBP", "-97.00 EUR", "3.00"),  # a refund cost us less
        ("80.00 GBP", "120.00 USD", "-5.00"),  # by way of the euro: 80 / 0.8 x 1.25 = 125
        ("1000 JPY", "6.25 EUR", None),
        ("0.01 GBP", "0.02 EUR", None),  # 0.0125 exactly: rounding is no variance
        ("100.00 EUR", "100.00 EUR", None),
    ],
)
def test_a_payment_settled_in_another_currency(
    original: str, settled_as: str, difference: str | None
) -> None:
    rows = found(settled(original, settled_as))
    assert rows["type"].to_list() == ([] if difference is None else ["fx_variance"])
    if difference is not None:
        assert rows["difference"][0] == Decimal(difference)


def test_the_arithmetic_is_told() -> None:
    (row,) = found(settled("80.00 GBP", "97.00 EUR")).iter_rows(named=True)
    assert row["explanation"] == (
        "In this payment 80.00 GBP became 97.00 EUR, at a rate of 1.2125. The reference rate of "
        "2026-11-20 is 1.25, which gives 100.00 EUR: -3.00 EUR or -3 percent apart, and 2 percent "
        "are allowed."
    )
    assert (row["amount_ledger"], row["amount_provider"]) == (Decimal(100), Decimal(97))
    assert row["discrepancy_id"] == "fx:L1"
    chinese = found(settled("80.00 GBP", "97.00 EUR"), day=replace(WHOSE, language="zh"))
    assert "2026-11-20 参考汇率为 1.25" in chinese["explanation"][0]


def test_two_legs_of_a_conversion_are_held_against_the_rate() -> None:
    fair = leg("A", "-80.00 GBP"), leg("B", "99.00 EUR")
    poor = leg("C", "-80.00 GBP", parent_txn_id="T2"), leg("D", "96.00 EUR", parent_txn_id="T2")
    (row,) = found(*fair, *poor).iter_rows(named=True)
    assert (row["line_ids"], row["difference"]) == (["C", "D"], Decimal(-4))
    assert "In this conversion 80.00 GBP became 96.00 EUR" in row["explanation"]


def test_what_is_no_exchange_of_two_currencies_is_left_alone() -> None:
    assert found(settled("0 GBP", "0 EUR")).height == 0


@pytest.mark.parametrize(
    ("day", "max_age_days", "is_rated"),
    [
        ("2026-11-22", 2, True),  # a Sunday has Friday's
        ("2026-11-22", 1, False),
        ("2026-11-20", 0, True),
        ("2026-11-18", 7, False),  # no rate is taken from a later day
    ],
)
def test_the_last_business_day_before_counts_within_a_bound(
    day: str, max_age_days: int, is_rated: bool
) -> None:
    on_that_day = replace(WHOSE, business_date=date.fromisoformat(day))
    rows = found(
        settled("80.00 GBP", "50.00 EUR", business_date=day),
        settled("80.00 GBP", "50.00 EUR", business_date=day, line_id="L2"),
        policy=replace(TWO_PERCENT, max_age_days=max_age_days),
        day=on_that_day,
    )
    if is_rated:
        assert rows["difference"].to_list() == [Decimal(-50)] * 2
        assert "reference rate of 2026-11-20" in rows["explanation"][0]
    else:  # told once, and never taken for agreement
        assert rows["discrepancy_id"].to_list() == [f"fx:rate:GBP:EUR:{day}"]
        assert "2 exchange(s) from GBP to EUR" in rows["explanation"][0]
        assert rows["difference"].to_list() == [Decimal(0)]


def test_a_difference_that_is_reported_already_is_told_its_cause_and_not_reported_twice() -> None:
    off = found(settled("80.00 GBP", "97.00 EUR"), settled("8 GBP", "5 EUR", line_id="L2"))
    usual = {"type": "amount_mismatch", "provider": "p", "account": "a", "explanation": "Differs."}
    reported = frame_of(
        DISCREPANCY,
        [
            usual | {"discrepancy_id": "match:L1", "line_ids": ["L1"]},
            usual | {"discrepancy_id": "match:L2", "line_ids": ["L2"], "type": "status_mismatch"},
            usual | {"discrepancy_id": "match:E", "line_ids": None, "type": "missing_in_provider"},
        ],
    )
    matching, left = attributed(reported, off)
    assert matching["explanation"][0].startswith("Differs. In this payment 80.00 GBP became")
    assert matching["explanation"].to_list()[1:] == ["Differs.", "Differs."]
    assert left["line_ids"].to_list() == [["L2"]]
    assert matching.schema == reported.schema


@pytest.mark.parametrize(
    ("got", "difference"), [("130.00 USD", "5"), ("121.50 USD", "-3.5"), ("125.00 USD", "0")]
)
def test_conversions_of_a_day_are_held_against_the_reference_by_currency(
    got: str, difference: str
) -> None:
    """80 pounds are 125 dollars; more is a gain. What a payer paid in pounds is no conversion."""
    legs = [
        leg("L1", "-80.00 GBP"),
        leg("L2", got),
        settled("80.00 GBP", "130.00 USD", line_id="L3"),
    ]
    differences = exchanged(lines(*legs).lazy(), RATES, TWO_PERCENT, WHOSE).differences
    assert differences.rows() == [("USD", Decimal(difference))]
