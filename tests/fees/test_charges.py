"""Arithmetic as text, batches, tolerances, usage, withdrawals by both tariffs."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.boundary import check
from recon.fees import assess, variances
from recon.fees.arithmetic import with_arithmetic
from recon.fees.charge import times
from recon.fees.counting import Past, usage
from recon.fees.problems import schedule_problems
from recon.fees.schedule import fits
from recon.fees.withdrawals import Charges, charges, with_merchants
from recon.io.fee_history import DAY_FEES
from recon.io.fee_settings import FeeSettings
from recon.money import MONEY
from recon.tables import LEDGER_ENTRY
from recon.wording import Language
from tests.fees.reading import Vector, vectors
from tests.support import TODAY, WHOSE, frame_of, line, lines

VECTORS = {vector.title.partition(": ")[2]: vector for vector in vectors()}


def said(title: str, language: Language = "en") -> list[str]:
    vector = next(v for name, v in VECTORS.items() if name.startswith(title))
    return arithmetic_of(vector, language)


def arithmetic_of(vector: Vector, language: Language) -> list[str]:
    plain = [{name: row[name] for name in row if name != "merchant_id"} for row in vector.lines]
    given = lines(*(line(**row) for row in plain)).lazy()
    assessed = assess.assess(given, vector.tariffs, vector.past).rows.sort("line_id", "component")
    return with_arithmetic(assessed.collect(), vector.tariffs, language)["arithmetic"].to_list()


ARITHMETIC = {
    "yuan at 0.6 percent, half up": {2: "0.83 x 0.6% = 0.00498, half up 0.00",
                                     7: "260.00 x 0.6% = 1.56"},
    "percent and fixed": {0: "100.00 x 3.49% + 0.49 = 3.98"},
    "a fixed part alone": {0: "fixed = 0.49"},
    "not less than": {0: "0.01 x 0.6% = 0.00006, half up 0.00, at least 0.10"},
    "not more than": {2: "1000000.00 x 0.6% = 6000.00, at most 5.00"},
    "nothing below": {0: "nothing below 10.00", 1: "10.00 x 0.6% + 0.1 = 0.16"},
    "slabs by amount": {2: "100.00 x 1% (up to 100) = 1.00",
                        6: "20000.00 x 0.5% (above 1000) = 100.00"},
    "marginal by amount": {6: "100.00 x 1% + 900.00 x 0.8% + 2000.00 x 0.5% = 18.20"},
    "slabs by the month": {3: "100.00 x 0.5% (above 1000, 1499.99 before it in the month) = 0.50"},
    "by the number of": {0: "10.00 x 1% + 0.1 (up to 3, number 2 of the month) = 0.20"},
    "the crossing itself": {0: "(5000.00 - 4000.00 free) x 0.1% = 1.00"},
    "personal withdrawals": {0: "all free: 0.00 of 1000.00 was used before it"},
    "the first three": {0: "number 2 of 3 free ones", 2: "fixed = 2.00"},
    "in proportion": {0: "comes back: fee 3.98 x 100.00 / 100.00 = 3.98",
                      4: "the payment it belongs to is not known"},
    "recomputed on": {1: "comes back: fee of 50.00 less fee of 10.00 = 0.20"},
    "kept": {0: "the fee is kept, nothing comes back"},
    "the percentage of what": {4: "comes back: 260.00 x 0.6% = 1.56"},
    "tax on the rounded": {1: "tax 0.60 x 6% = 0.036, half up 0.04"},
}  # fmt: skip


@pytest.mark.parametrize("title", ARITHMETIC)
def test_the_arithmetic_is_told(title: str) -> None:
    told = said(title)
    for place, wanted in ARITHMETIC[title].items():
        assert told[place] == wanted


@pytest.mark.parametrize("title", VECTORS)
def test_every_line_is_explained_in_both_languages(title: str) -> None:
    for language in ("en", "zh"):
        assert None not in arithmetic_of(VECTORS[title], language)


BATCH = {
    "tariff": [
        {
            "name": "T", "account": "A", "currency": "CNY", "kinds": ["payment"],
            "effective_from": date(2026, 1, 1), "percent": "0.6", "round_per": "batch",
        }
    ]
}  # fmt: skip


@pytest.mark.parametrize(("charged", "off"), [("0.02", []), ("0.03", [Decimal("0.01")])])
def test_fees_that_are_rounded_once_a_batch_are_compared_once(
    charged: str, off: list[Decimal]
) -> None:
    tariffs = FeeSettings.model_validate(BATCH).rows()
    three = [line(f"L{n}", gross="1.00", fee="0", batch_id="B") for n in range(2)]
    every = lines(*three, line("L9", gross="1.00", fee=charged, batch_id="B")).lazy()
    assessed = assess.assess(every, tariffs)
    assert variances.varying(assessed, tariffs, Decimal(0)).collect().height == 0
    found = variances.batch_discrepancies(assessed, tariffs, Decimal(0), WHOSE)
    check("DISCREPANCY", found)
    assert found["difference"].to_list() == off
    summary = assess.summarize(assessed, tariffs).collect()
    assert summary.select("line_count", "charged", "expected").rows() == [
        (3, Decimal(charged), Decimal("0.02"))
    ]


def withdrawal(**facts: Any) -> dict[str, Any]:
    usual = {"account": "A", "currency": "CNY", "effective_from": date(2026, 1, 1)}
    return usual | facts


def charges_of(
    rows: list[dict[str, Any]], *given: dict[str, Any], extra: Sequence[dict[str, Any]] = ()
) -> Charges:
    tariffs = FeeSettings.model_validate({"withdrawal": rows, "surcharge": extra}).rows()
    every = lines(*given).lazy()
    provider = [row for row in tariffs if row.charged_to == "us"]
    found = charges(every, assess.assess(every, provider), tariffs, Past())
    check("WITHDRAWAL_CHARGE", found.by_line)
    check("OUR_CHARGE", found.ours)
    return found


@pytest.mark.parametrize(
    ("borne_by", "ours", "margin"), [("us", "3", "1.50"), ("customer", "4.50", "3")]
)
def test_the_margin_is_our_charge_less_the_providers(borne_by: str, ours: str, margin: str) -> None:
    schedule = [
        withdrawal(name="theirs", percent="0.1", borne_by=borne_by),
        withdrawal(name="ours", percent="0.3", charged_to="customer"),
    ]
    taken = line("W", kind="withdrawal", gross="-1000", fee="1.50")
    (row,) = charges_of(schedule, taken, line("P")).by_line.iter_rows(named=True)
    assert (row["expected"], row["charged"], row["variance"]) == (
        1,
        Decimal("1.50"),
        Decimal("0.5"),
    )
    assert (row["our_charge"], row["margin"]) == (Decimal(ours), Decimal(margin))
    assert (row["tariff"], row["our_tariff"]) == ("theirs", "ours")


def test_what_we_charge_others_is_summed_by_row_with_surcharges_of_ours() -> None:
    ours = withdrawal(name="ours", percent="0.3", charged_to="customer")
    instant = withdrawal(name="instant", kinds=["withdrawal"], charged_to="customer", fixed="2")
    instant |= {"payment_methods": ["instant"]}
    two = (
        line("W", kind="withdrawal", gross="-1000"),
        line("X", kind="withdrawal", gross="-500", payment_method="instant"),
    )
    found = charges_of([ours], *two, extra=[instant])
    assert found.by_line.select("line_id", "our_tariff", "our_charge").rows() == [
        ("W", "ours", 3),
        ("X", "instant + ours", Decimal("3.50")),
    ]
    assert found.ours.select(
        "charged_to", "tariff", "component", "line_count", "amount"
    ).rows() == [
        ("customer", "instant", "surcharge", 1, 2),
        ("customer", "ours", "fee", 2, Decimal("4.50")),
    ]


def test_a_withdrawal_that_the_statement_repeats_is_charged_once() -> None:
    taken = line("W", kind="withdrawal", gross="-1000", fee="1.50")
    (row,) = charges_of([withdrawal(name="theirs", percent="0.1")], taken, taken).by_line.rows()
    assert row[0] == "W"


def test_what_does_not_fit_an_amount_is_an_error_and_never_wraps() -> None:
    most = pl.select(pl.lit(Decimal(9 * 10**19), dtype=MONEY).alias("amount"))
    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        most.select(times(pl.col("amount"), Decimal(300), 2, "half_up"))


def test_without_a_tariff_of_ours_there_is_no_margin() -> None:
    taken = line("W", kind="withdrawal", gross="-9", fee="0")
    (row,) = charges_of([], taken).by_line.iter_rows(named=True)
    assert (row["charged"], row["our_charge"], row["margin"]) == (0, None, None)


def test_the_network_fee_of_a_withdrawal_stands_beside_it_in_its_own_token() -> None:
    taken = line("W", kind="withdrawal", gross="-100", txn_id="0x1", currency="USDT")
    gas = line("G", kind="fee", gross="-0.0007", txn_id="0x1", currency="ETH")
    other = line("H", kind="fee", gross="-0.0009", txn_id="0x2", currency="ETH")
    found = charges_of([], taken, gas, other).by_line
    assert found.select("line_id", "currency", "charged").rows() == [
        ("G", "ETH", Decimal("0.0007")),
        ("W", "USDT", 0),
    ]


def test_usage_counts_the_days_before_by_name_without_what_was_given_back() -> None:
    row = withdrawal(name="T", percent="1", free_amount="100")
    tariffs = FeeSettings.model_validate({"withdrawal": [row]}).rows()
    facts = {"tariff": "T", "component": "fee", "kind": "withdrawal", "line_count": 2, "base": "50"}
    days = frame_of(
        DAY_FEES,
        [
            facts | {"business_date": "2026-10-31"},
            facts | {"business_date": "2026-11-01"},
            facts | {"business_date": "2026-11-02", "kind": "withdrawal_reversal"},
            facts | {"business_date": "2026-11-03", "component": "tax"},
            facts | {"business_date": "2026-11-19", "base": "7.50"},
            facts | {"business_date": "2026-11-20", "base": "3", "line_count": 1},  # of another
            facts | {"business_date": "2026-11-21"},
            facts | {"business_date": "2026-11-19", "tariff": "other"},
        ],
    )
    (found,) = usage(days, tariffs, TODAY).rows()
    assert found == ("T", 3, 1, Decimal("60.50"), 5, Decimal("110.50"), 7)


def test_a_line_has_the_merchant_of_its_entry_if_there_is_one_only() -> None:
    row = {
        "name": "shop", "account": "A", "currency": "CNY", "kinds": ["payment"],
        "effective_from": date(2026, 1, 1), "merchants": ["M1"], "percent": "1",
    }  # fmt: skip
    tariffs = FeeSettings.model_validate({"tariff": [row]}).rows()
    entry = {"kind": "payment", "currency": "CNY", "amount": "10"}
    entries = frame_of(
        LEDGER_ENTRY,
        [
            entry | {"merchant_ref": "R1", "merchant_id": "M1"},
            entry | {"merchant_ref": "R2", "merchant_id": "M1"},
            entry | {"merchant_ref": "R2", "merchant_id": "M2"},
        ],
    )
    given = lines(*(line(f"L{n}", merchant_ref=f"R{n}") for n in (1, 2, 3))).lazy()
    found = with_merchants(given, entries.lazy(), tariffs).collect()
    assert found.select("line_id", "merchant_id").rows() == [
        ("L1", "M1"), ("L2", None), ("L3", None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("visa", "visa", True), ("visa", "visa:eu", False), ("visa*", "visa", True),
        ("*:eu", "visa:eu", True), ("*:eu", "eu", False), ("a*a", "a", False), ("a*a", "aa", True),
        ("*b*", "abc", True), ("a*b*c", "axbxc", True), ("a*b*c", "acb", False), ("*", "", True),
    ],
)  # fmt: skip
def test_a_star_stands_for_any_text(pattern: str, text: str, fit: bool) -> None:
    assert fits(pattern, text) is fit


def refused(table: str = "tariff", *more: dict[str, Any], **facts: Any) -> list[str]:
    usual = {"name": "T", "account": "A", "currency": "CNY", "effective_from": date(2026, 1, 1)}
    rows = [usual | row for row in (facts, *more)]
    if table != "withdrawal":
        rows = [{"kinds": ["payment"]} | row for row in rows]
    return schedule_problems(FeeSettings.model_validate({table: rows}).rows())


TIERS = [{"up_to": "10", "percent": "1"}, {"percent": "2"}]


@pytest.mark.parametrize(
    ("table", "facts", "said"),
    [
        ("tariff", {"effective_to": date(2025, 1, 1)}, "ends on 2025-01-01, before it starts"),
        ("tariff", {"percent": "0.12345678"}, "more than 7 decimals"),
        ("tariff", {"minimum": "0.0000000001"}, "an amount in CNY of more than 9 decimals"),
        ("tariff", {"free_amount": "1.0000000001"}, "an amount in CNY of more than 9 decimals"),
        (
            "tariff",
            {"tiers": [{"percent": "1", "up_to": "0.0000000001"}, {"percent": "2"}]},
            "an amount in CNY of more than 9 decimals",
        ),
        ("tariff", {"tiers": TIERS[:1]}, "needs up_to on every tier but the last"),
        ("tariff", {"tiers": [TIERS[0], *TIERS]}, "tiers that do not rise"),
        ("tariff", {"tiers": TIERS, "percent": "1"}, "tiers and a percentage of its own"),
        ("tariff", {"tiers": [{"fixed": "1"}], "tier_mode": "marginal"}, "only slabs have one"),
        ("withdrawal", {"free_amount": "1", "free_count": 1}, "a quota is one of them"),
        ("tariff", {"quota_count": 1}, "add promotion = true"),
        ("tariff", {"promotion": True, "quota_count": 1, "free_count": 1}, "counts twice"),
        ("tariff", {"promotion": True, "quota_count": 1, "kinds": ["refund"]}, "only movements"),
        ("tariff", {"round_per": "batch", "tax_percent": "6"}, "cannot have a tax of its own"),
        ("withdrawal", {"on_refund": "recomputed"}, "it is not for payments"),
        ("surcharge", {"charged_to": "customer"}, "charged to the customer and not only for with"),
        ("tariff", {"kinds": ["refund"], "refund_at": "payment_date"}, "it is not for payments"),
        ("withdrawal", {"counted_with": ["B"]}, "says counted_with, and has no quota"),
        ("surcharge", {"on_refund": "recomputed"}, "is a surcharge and cannot say"),
        ("tariff", {"currency": "ETH", "on_refund": "returned_with_fixed"}, "18 decimals"),
    ],
)
def test_a_row_that_means_nothing_is_refused(table: str, facts: dict[str, Any], said: str) -> None:
    (problem,) = refused(table, **facts)
    assert said in problem


def test_rows_that_count_have_a_name_of_their_own_for_whom_they_charge() -> None:
    ours = {"charged_to": "customer", "free_count": 1}
    assert refused("withdrawal", ours, percent="1") == [
        "tariffs 'T' for us and for customer have one name, and rows of one name are counted "
        "together; give each its own"
    ]
    assert refused("withdrawal", {**ours, "name": "U"}, percent="1") == []


def test_rows_for_payments_go_by_one_day_of_a_refund() -> None:
    rows = [
        {"name": "old", "effective_to": date(2026, 6, 30), "refund_at": "payment_date"},
        {"name": "new", "effective_from": date(2026, 7, 1)},
    ]
    usual = {
        "account": "A",
        "currency": "CNY",
        "kinds": ["payment"],
        "effective_from": date(2026, 1, 1),
    }
    made = FeeSettings.model_validate({"tariff": [usual | row for row in rows]}).rows()
    assert schedule_problems(made) == [
        "tariffs 'old' and 'new' have different refund_at; all rows for payments of an account in "
        "CNY need the same"
    ]


def test_a_gap_in_time_is_refused_unless_it_is_said() -> None:
    first = {"name": "old", "effective_to": date(2026, 6, 30)}
    second = {"name": "new", "effective_from": date(2026, 7, 2)}
    assert refused("tariff", second, **first) == [
        "tariffs 'old' and 'new' leave a gap from 2026-07-01 to 2026-07-01; "
        "say gap_allowed = true in 'new' if nothing was charged by contract"
    ]
    assert refused("tariff", second | {"gap_allowed": True}, **first) == []
    assert refused("tariff", second | {"effective_from": date(2026, 7, 1)}, **first) == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(refused("tariff", {"name": "U"}, percent="0.12345678", quota_count=1)) == 3
