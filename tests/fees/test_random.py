"""Random schedules on random days: recon and the slow calculation agree on every line."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations, product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.fees import assess
from recon.fees.counting import Past
from recon.fees.problems import schedule_problems
from recon.io.fee_settings import FeeSettings
from tests.fees import reading, slow
from tests.fees.slow import DECIMALS, MODES, Fees
from tests.support import line, lines

CURRENCIES = ["CNY", "JPY", "KWD", "USDT"]
METHODS = ["visa", "visa:eu", "mc:eu"]
PATTERNS = [["visa"], ["visa", "mc:eu"], ["*:eu"], ["visa*"]]
KINDS = ["payment", "chargeback", "withdrawal"]
DAYS = [date(2026, 11, 19), date(2026, 11, 20)]
MERCHANTS = ["M1", "M2"]
ORDERS = ["R1", "R2", "R3"]


def amount_of(currency: str, largest: int) -> st.SearchStrategy[str]:
    places = DECIMALS[currency]
    return st.integers(0, largest).map(lambda n: str(Decimal(n).scaleb(-places)))


def maybe(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | value


PERCENT = st.integers(0, 99_999).map(lambda n: str(Decimal(n) / 10_000))
ROUNDING = st.sampled_from(sorted(MODES))


@st.composite
def rows(draw: st.DrawFn, table: str, currency: str) -> dict[str, Any]:
    """A row of the schedule, as it stands in TOML; what is None is not written."""
    small = amount_of(currency, 500)
    row: dict[str, Any] = {
        "name": f"row {draw(st.integers(0, 10**9))}",
        "account": "A",
        "currency": currency,
        "effective_from": draw(st.sampled_from(DAYS)),
        "effective_to": draw(maybe(st.sampled_from(DAYS))),
        "payment_methods": draw(maybe(st.sampled_from(PATTERNS))),
        "merchants": draw(maybe(st.sampled_from([["M1"], ["M1", "M2"]]))),
        "converted": draw(maybe(st.booleans())),
        "percent": draw(PERCENT),
        "fixed": draw(small),
        "minimum": draw(maybe(small)),
        "maximum": draw(maybe(small)),
        "rounding": draw(ROUNDING),
        "on_refund": draw(st.sampled_from(["kept", "returned"])),
        "tax_percent": draw(maybe(PERCENT)),
        "tax_rounding": draw(ROUNDING),
    }
    if table != "withdrawal":
        row["kinds"] = draw(st.lists(st.sampled_from(KINDS), min_size=1, unique=True))
        if row["kinds"] == ["payment"] and table == "tariff":
            policies = ["kept", "returned", "returned_with_fixed", "recomputed"]
            row["on_refund"] = draw(st.sampled_from(policies))
    if table == "tariff" and row["tax_percent"] is None:
        row["round_per"] = draw(st.sampled_from(["line", "batch"]))
    if table != "surcharge":
        row |= draw(counted(currency))
    if "tiers" in row:
        row["percent"] = None
    if row["minimum"] and row["maximum"] and Decimal(row["minimum"]) > Decimal(row["maximum"]):
        row["minimum"], row["maximum"] = row["maximum"], row["minimum"]
    return {name: value for name, value in row.items() if value is not None}


@st.composite
def counted(draw: st.DrawFn, currency: str) -> dict[str, Any]:
    """Tiers, a free quota, a promotion, or nothing of them."""
    large = amount_of(currency, 1_000_000)
    what = draw(st.sampled_from(["plain", "plain", "tiers", "tiers", "free", "promotion"]))
    row: dict[str, Any] = {"free_below": draw(maybe(amount_of(currency, 2000)))}
    if what == "tiers":
        by = draw(st.sampled_from(["amount", "month_amount", "month_count"]))
        mode = draw(st.sampled_from(["slab", "marginal"]))
        edges: list[str] = (
            [str(n) for n in sorted(draw(st.sets(st.integers(1, 6), max_size=3)))]
            if by == "month_count"
            else sorted(draw(st.sets(large, max_size=3)), key=Decimal)
        )
        tiers = [{"up_to": edge, "percent": draw(PERCENT)} for edge in edges]
        tiers.append({"percent": draw(PERCENT)})
        if mode == "slab":
            tiers = [tier | {"fixed": draw(amount_of(currency, 200))} for tier in tiers]
        row |= {"tiers": tiers, "tier_by": by, "tier_mode": mode}
    elif what == "free":
        row |= {"free_per": draw(st.sampled_from(["day", "month", "lifetime"]))}
        if draw(st.booleans()):
            row |= {"free_amount": draw(large), "free_used": draw(amount_of(currency, 900_000))}
        else:
            row |= {"free_count": draw(st.integers(1, 4)), "free_used": draw(st.just("1"))}
    elif what == "promotion":
        row |= {"promotion": True}
        row["quota_count"] = draw(maybe(st.integers(1, 4)))
        row["quota_amount"] = draw(maybe(large))
    return row


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    currency = draw(st.sampled_from(CURRENCIES))
    schedule = {
        table: draw(st.lists(rows(table, currency), max_size=size, unique_by=lambda r: r["name"]))
        for table, size in (("tariff", 4), ("surcharge", 2), ("withdrawal", 2))
    }
    refund_at = draw(st.sampled_from(["refund_date", "payment_date"]))
    for row in schedule["tariff"]:
        if "payment" in row["kinds"]:
            row["refund_at"] = refund_at
    return consistent(schedule)


def consistent(schedule: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Drop what recon refuses, a row after the other."""
    kept: dict[str, list[dict[str, Any]]] = {"tariff": [], "surcharge": [], "withdrawal": []}
    for table, some in schedule.items():
        for row in some:
            more = kept | {table: [*kept[table], row]}
            if not schedule_problems(FeeSettings.model_validate(more).rows()):
                kept = more
    return kept


@st.composite
def days(draw: st.DrawFn, currency: str) -> list[dict[str, Any]]:
    """Lines of a day or two, in any order, several at the same moment."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from([*KINDS, "refund", "withdrawal_reversal"]))
        found.append(
            {
                "line_id": f"L{number:03}",
                "kind": kind,
                "currency": currency,
                "gross": draw(amount_of(currency, 900_000)),
                "business_date": DAYS[1],
                "occurred_at": datetime(2026, 11, 20, draw(st.integers(0, 5)), tzinfo=UTC),
                "payment_method": draw(maybe(st.sampled_from(METHODS))),
                "original_currency": draw(maybe(st.sampled_from(["EUR", currency]))),
                "merchant_id": draw(maybe(st.sampled_from(MERCHANTS))),
                "parent_ref": draw(st.sampled_from(ORDERS)) if kind == "refund" else None,
                "fee": "1",
            }
        )
    return found


def in_order(fees: Fees) -> Fees:
    return sorted(fees, key=lambda fee: (fee[0], fee[1], fee[2] is None, fee[2] or 0))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_line_has_the_fee_of_the_slow_calculation(data: st.DataObject) -> None:
    schedule = data.draw(schedules())
    currency = next((r["currency"] for some in schedule.values() for r in some), "CNY")
    day = data.draw(days(currency))
    known = st.tuples(
        amount_of(currency, 900_000), amount_of(currency, 100_000), st.sampled_from(DAYS)
    )
    orders = {
        order: (Decimal(paid), Decimal(given_back), paid_on)
        for order, (paid, given_back, paid_on) in zip(
            ORDERS[:2], data.draw(st.lists(known, max_size=2)), strict=False
        )
    }
    before = {
        row["name"]: (Decimal(amount), count)
        for some in schedule.values()
        for row in some
        for amount, count in [data.draw(st.tuples(amount_of(currency, 500_000), st.integers(0, 5)))]
    }
    vector = reading.Vector("", schedule, before, orders, day, [])
    found, wanted = vector.fast(), vector.slow()
    for row in day:
        name = row["line_id"]
        assert in_order(found[name]) == in_order(wanted[name]), row


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_order_of_the_rows_of_a_file_changes_nothing(data: st.DataObject) -> None:
    schedule = data.draw(schedules())
    currency = next((r["currency"] for some in schedule.values() for r in some), "CNY")
    day = data.draw(days(currency))
    tariffs = FeeSettings.model_validate(schedule).rows()
    one = reading.fast(day, tariffs, Past())
    other = reading.fast(data.draw(st.permutations(day)), tariffs, Past())
    assert {name: in_order(fees) for name, fees in one.items()} == {
        name: in_order(fees) for name, fees in other.items()
    }


def test_a_line_that_is_told_twice_with_two_amounts_counts_the_same_in_any_order() -> None:
    tiers = [{"percent": "1", "up_to": "500"}, {"percent": "0.5"}]
    row = {"name": "T", "account": "A", "kinds": ["payment"], "currency": "CNY",
           "effective_from": date(2026, 1, 1), "tiers": tiers,
           "tier_by": "month_amount"}  # fmt: skip
    tariffs = FeeSettings.model_validate({"tariff": [row]}).rows()
    twice = [line("L1", gross="900.00"), line("L1", gross="200.00")]
    for some in (twice, twice[::-1]):
        found = assess.assess(lines(*some).lazy(), tariffs).rows.collect()
        # Only with the smaller amount first is the larger one still below the edge.
        assert sorted(found["expected"]) == [2, 9]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_sum_by_tariff_row_is_the_sum_of_the_lines(data: st.DataObject) -> None:
    schedule = data.draw(schedules())
    currency = next((r["currency"] for some in schedule.values() for r in some), "CNY")
    day = data.draw(days(currency))
    tariffs = FeeSettings.model_validate(schedule).rows()
    given_lines = lines(
        *(line(**{k: v for k, v in row.items() if k != "merchant_id"}) for row in day)
    )
    assessed = assess.assess(given_lines.lazy(), tariffs)
    summary = assess.summarize(assessed, tariffs).collect()
    every = assessed.rows.collect()
    assert summary["line_count"].sum() == every.height
    assert summary["charged"].sum() == every["charged"].sum()
    stated = {row["line_id"] for row in day if row["line_id"] in set(every["line_id"])}
    assert every["charged"].sum() == len(stated)  # each line was charged 1, surcharges included


def lines_that_fit(schedule: dict[str, list[dict[str, Any]]]) -> Sequence[dict[str, Any]]:
    """Every line there can be, as far as rows can tell them apart."""
    currencies = {row["currency"] for some in schedule.values() for row in some}
    return [
        dict(zip(("kind", "currency", "business_date", "payment_method", "merchant_id",
                  "original_currency"), facts, strict=True))
        for facts in product(KINDS, currencies, DAYS, [None, *METHODS], [None, *MERCHANTS],
                             [None, "EUR"])
    ]  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_two_rows_are_refused_exactly_where_both_would_fit_a_line(data: st.DataObject) -> None:
    currency = data.draw(st.sampled_from(CURRENCIES))
    pair = [data.draw(rows("tariff", currency)) for _ in range(2)]
    whole = [
        row | {"kinds": row["kinds"]}
        for row in pair
        if row.get("effective_to", date.max) >= row["effective_from"]
    ]
    problems = schedule_problems(FeeSettings.model_validate({"tariff": whole}).rows())
    clashes = [
        (one["name"], other["name"])
        for one, other in combinations(whole, 2)
        if any(
            all(slow._covers(row, fact, fact["business_date"]) for row in (one, other))
            and slow._rank(one, fact) == slow._rank(other, fact)
            for fact in lines_that_fit({"tariff": whole})
        )
    ]  # fmt: skip
    assert len([text for text in problems if "overlap" in text]) == len(clashes)
