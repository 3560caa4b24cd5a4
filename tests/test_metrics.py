"""Numbers to watch: exact rates, and what is called unusual, from small tables of days."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.control_tables import CLEARED_ITEM
from recon.metrics import (
    METRIC,
    METRICS,
    anomalies,
    day_metrics,
    own_lines,
    rate,
    settlement_delays,
    usual_values,
)
from recon.periods import one_day
from recon.reporting import text
from recon.reporting.sheets import Banner
from recon.reporting.watch import anomaly_in_words, figure_text, watch_sheet
from recon.tables import OPEN_ITEM, RECEIPT
from tests.reporting_helper import RECEIPTS, day_book, day_result, rows

TODAY = date(2026, 11, 20)  # a Friday


def days(name: str, values: list[str], *, weekly: bool = False) -> pl.DataFrame:
    """METRIC of the days up to TODAY, one value each, or one a week."""
    step = 7 if weekly else 1
    return pl.DataFrame(
        [
            ("wechatpay", "1", TODAY - timedelta(days=step * back), name, "CNY", Decimal(value))
            for back, value in enumerate(reversed(values))
        ],
        schema=dict(METRIC),
        orient="row",
    )


def figures() -> dict[tuple[str, str | None], Decimal]:
    found = day_metrics(day_result())
    return {(name, code): value for name, code, value in found[:, 3:].iter_rows()}


def test_every_figure_of_a_day_is_exact_and_named() -> None:
    found = figures()
    assert {name for name, _ in found} <= set(METRICS)
    assert found["match_rate_by_count", None] == Decimal("0.996013")  # 1249 of 1254 rows
    assert found["fee_rate", "CNY"] == Decimal("0.005999")  # 8998.5 of 1500000.25
    assert found["refund_rate", "CNY"] == Decimal("0.001667")
    assert found["chargeback_rate", "CNY"] == Decimal("0.00008")
    assert found["open_amount", "JPY"] == 300_000
    assert found["oldest_age_days", None] == 5
    assert found["gross", "TOK"] == Decimal("1234.000000000000000001")


def test_what_an_earlier_day_left_open_does_not_lower_the_match_rate_of_today() -> None:
    """Of 1254 rows two were carried; the one that met its entry today was no row of today."""
    carried = {"side": "line", "currency": "CNY"}
    waiting = [carried | {"item_id": name, "amount": "-100"} for name in ("A", "B")]
    result = day_result(
        carried=rows(OPEN_ITEM, *waiting, {"side": "entry", "item_id": "E", "amount": "1"}),
        cleared=rows(
            CLEARED_ITEM,
            waiting[0] | {"match_id": "M"},
            waiting[1] | {"match_id": None},  # left through a correction: nobody was met
            {"side": "entry"},
        ),
    )
    own = own_lines(result)
    assert own.counts == own_lines(day_result()).counts | {
        "input": 1252,
        "matched": 1248,
    }
    assert own.match_rate == rate(Decimal(1248), Decimal(1252))
    of_value = rate(Decimal("1497495.75") - 100, Decimal("2732172.64") - 200)
    assert own.match_rates_by_value["CNY"] == of_value


def test_what_only_waits_for_its_day_of_the_settlement_cycle_is_not_called_open() -> None:
    due = {"side": "due", "currency": "CNY", "amount": "70", "business_date": TODAY}
    states = ("open", "overdue", "overdue")
    more = [due | {"item_id": f"{n}", "state": state} for n, state in enumerate(states)]
    before = day_result()
    result = day_result(open_items=pl.concat([before.open_items, rows(OPEN_ITEM, *more)]))
    counts = [
        dict(day_metrics(one).filter(name="open_count").select("name", "value").iter_rows())
        for one in (before, result)
    ]
    assert counts[1]["open_count"] == counts[0]["open_count"] + 2


def test_a_difference_without_a_currency_is_counted_and_at_no_stake() -> None:
    result = day_result()
    without = result.discrepancies.head(1).with_columns(currency=pl.lit(None, dtype=pl.String))
    made = day_metrics(replace(result, discrepancies=without))
    assert made.filter(name="discrepancy_count")["value"].to_list() == [1]
    assert made.filter(name="at_stake").height == 0


def test_a_rate_of_nothing_is_left_out_and_not_called_zero() -> None:
    result = day_result()
    quiet = day_result(batches=result.batches.clear(), conservation=result.conservation.clear())
    names = set(day_metrics(quiet)["name"])
    assert not names & {"fee_rate", "refund_rate", "match_rate_by_count", "success_rate"}


def test_payments_that_failed_lower_the_success_rate() -> None:
    lines = day_result().lines.collect()
    line = lines.with_columns(kind=pl.lit("payment"))
    statuses = ["succeeded", "succeeded", "failed", "pending"]
    every = pl.concat(line.with_columns(status=pl.lit(status)) for status in statuses)
    found = day_metrics(day_result(lines=every.lazy()))
    assert found.filter(name="success_rate")["value"].to_list() == [Decimal("0.666667")]


def test_how_long_a_payout_took_belongs_to_who_paid_it() -> None:
    delays = settlement_delays(rows(RECEIPT, *RECEIPTS))
    assert delays.select("provider", "account", "business_date", "value").rows() == [
        ("wechatpay", "1900000109", TODAY, Decimal(1))
    ]


USUAL_FEE = ["0.0060", "0.0061", "0.0059", "0.0060", "0.0062", "0.0060", "0.0058", "0.0060"] * 2
MATCHED = ["0.99", "0.995", "0.992", "0.991", "0.993"] * 3


@pytest.mark.parametrize(
    ("name", "values", "weekly", "is_odd"),
    [
        ("fee_rate", [*USUAL_FEE, "0.0093"], False, True),
        ("fee_rate", [*USUAL_FEE, "0.0031"], False, True),  # cheaper is odd as well
        ("fee_rate", [*USUAL_FEE, "0.0063"], False, False),
        ("fee_rate", [*USUAL_FEE[:9], "0.0093"], False, False),  # nine days are too few
        ("fee_rate", [*USUAL_FEE[:10], "0.0093"], False, True),
        ("fee_rate", [*(["0.0060"] * 12), "0.0062"], False, False),  # never moves, moves a little
        ("fee_rate", [*(["0.0060"] * 12), "0.0070"], False, True),
        ("fee_rate", [*USUAL_FEE, "0.5", "0.0093"], False, True),  # one odd day hides nothing
        ("match_rate_by_count", [*MATCHED, "0.90"], False, True),
        ("match_rate_by_count", [*MATCHED, "1"], False, False),  # better is not worth a word
        ("refund_rate", [*(["0.02", "0.021"] * 6), "0.08"], False, True),
        ("refund_rate", [*(["0.02", "0.021"] * 6), "0.001"], False, False),
        ("payment_count", ["100", "104", "98", "101", "99", "30"], True, True),
        ("payment_count", ["100", "104", "98", "101", "30"], True, False),  # four weeks
        ("payment_count", ["100", "104", "98", "101", "99", "90"], True, False),
        ("gross", ["0.001", "0.0011", "0.0009", "0.001", "0.001", "0.9"], True, True),
        ("at_stake", ["1"] * 20 + ["1000000"], False, False),  # shown, not watched
    ],
)
def test_a_figure_is_unusual_when_it_leaves_what_the_weeks_before_were(
    name: str, values: list[str], weekly: bool, is_odd: bool
) -> None:
    found = anomalies(days(name, values, weekly=weekly), TODAY)
    assert found.height == int(is_odd)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([*USUAL_FEE[:9], "0.0093"], "Not compared: nothing is called unusual before 10 days were"),
        ([*USUAL_FEE[:10], "0.0060"], "Nothing unusual"),
        ([*USUAL_FEE[:10], "0.0093"], "1 unusual figure(s)"),
    ],
)
def test_what_could_not_be_compared_is_not_called_usual(values: list[str], said: str) -> None:
    book = day_book(period=one_day(TODAY), history=days("fee_rate", values))
    banner = watch_sheet(book, "en").blocks[0]
    assert isinstance(banner, Banner)
    assert banner.text.startswith(said)


def test_a_volume_is_held_against_the_same_weekday() -> None:
    """Quiet weekends are no news; a weekday as quiet as a weekend is."""
    start = TODAY - timedelta(days=42)
    every = [start + timedelta(days=number) for number in range(43)]
    values = [Decimal(20 if day.weekday() >= 5 else 1000 + day.day) for day in every]
    history = pl.DataFrame(
        [("p", "a", day, "payment_count", None, v) for day, v in zip(every, values, strict=True)],
        schema=dict(METRIC),
        orient="row",
    )
    saturday = TODAY - timedelta(days=6)
    assert anomalies(history, saturday).height == 0
    assert anomalies(history, TODAY).height == 0
    quiet = history.with_columns(
        value=pl.when(pl.col("business_date") == TODAY).then(pl.lit(Decimal(20))).otherwise("value")
    ).cast({"value": METRIC["value"]})
    assert anomalies(quiet, TODAY).height == 1


@given(st.lists(st.decimals(0, 1, places=6), min_size=10, max_size=40), st.randoms())
def test_the_order_of_the_days_does_not_matter(values: list[Decimal], random: Any) -> None:
    history = days("fee_rate", [str(value) for value in values])
    shuffled = history.sample(fraction=1, shuffle=True, seed=random.randint(0, 99))
    assert anomalies(history, TODAY).equals(anomalies(shuffled, TODAY))
    assert usual_values(history, TODAY).equals(usual_values(shuffled, TODAY))


def test_the_usual_value_is_the_median_of_four_weeks_without_the_day_itself() -> None:
    found = usual_values(days("fee_rate", ["9"] * 10 + ["1", "2"] * 14 + ["7"]), TODAY)
    assert found.select("usual", "days_count").rows() == [(Decimal("1.5"), 28)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "wechatpay 1: Fee rate is 0.93% CNY; usually it is 0.60% CNY, and over the 16 days "
               "compared it was between 0.58% CNY and 0.62% CNY."),
        ("zh", "wechatpay 1：手续费率为 0.93% CNY；通常为 0.60% CNY，"
               "在比较的 16 天内介于 0.58% CNY 与 0.62% CNY 之间。"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said_in_a_sentence(language: text.Language, sentence: str) -> None:
    found = anomalies(days("fee_rate", [*USUAL_FEE, "0.0093"]), TODAY)
    assert anomaly_in_words(found.row(0, named=True), language) == sentence


@pytest.mark.parametrize(
    ("name", "value", "currency", "shown"),
    [
        ("gross", "1234.5", "CNY", "1,234.50 CNY"),
        ("gross", "1234", "JPY", "1,234 JPY"),
        ("payment_count", "1234", None, "1,234"),
        ("payment_count", "17.5", None, "17.5"),
        ("match_rate_by_count", "0.996013", None, "99.60%"),
        ("match_rate_by_count", "0.999999", None, "99.9999%"),  # not all must not look like all
    ],
)
def test_a_figure_is_shown_as_people_read_it(
    name: str, value: str, currency: str | None, shown: str
) -> None:
    assert figure_text(name, Decimal(value), currency) == shown


def test_every_figure_has_its_words() -> None:
    assert set(text.FIGURES) == set(METRICS)
