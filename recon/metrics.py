"""Numbers to watch: what a day measures, and which of it is unusual against the weeks before.

Every figure is exact: a rate is a quotient of decimals rounded to six places, "usual" is the
median, and how far a figure may stray is told by the median of the distances from it, which one odd
day cannot move. With few days nothing is called unusual.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Final, Literal, TypeAlias

import polars as pl

from recon.money import MONEY
from recon.results import DayResult
from recon.tables import Schema

# One figure of one account's day; `currency` is null where a figure has none.
METRIC: Final[Schema] = {
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
    "name": pl.String(),
    "currency": pl.String(),
    "value": MONEY,
}

# A figure that is far from what it usually is; `days_count` days were looked at.
ANOMALY: Final[Schema] = {
    **METRIC,
    "usual": MONEY,
    "lowest": MONEY,
    "highest": MONEY,
    "days_count": pl.Int64(),
}

RATE_PLACES: Final = Decimal("0.000001")
WEEKS_LOOKED_AT: Final = 8
_USUAL_WEEKS: Final = 4
MINIMUM_DAYS: Final = 10  # with fewer nothing is called unusual
_MINIMUM_WEEKDAYS: Final = 5  # the same for figures that are compared with the same weekday
_SPREAD: Final = 5  # median distances away from the median: about 3.4 standard deviations

Unit = Literal["count", "money", "rate", "days"]


@dataclass(frozen=True)
class Metric:
    """How a figure is shown and watched: `worse` says which way is bad, `floor` how small a move is
    never worth a word (of counts and amounts a share of what is usual)."""

    unit: Unit
    worse: Literal["high", "low", "both", ""] = ""
    floor: Decimal = Decimal(0)
    by_weekday: bool = False


METRICS: Final[dict[str, Metric]] = {
    "payment_count": Metric("count", "both", Decimal("0.25"), by_weekday=True),
    "gross": Metric("money", "both", Decimal("0.25"), by_weekday=True),
    "match_rate_by_count": Metric("rate", "low", Decimal("0.005")),
    "match_rate_by_value": Metric("rate", "low", Decimal("0.005")),
    "success_rate": Metric("rate", "low", Decimal("0.01")),
    "refund_rate": Metric("rate", "high", Decimal("0.01")),
    "chargeback_rate": Metric("rate", "high", Decimal("0.002")),
    "fee_rate": Metric("rate", "both", Decimal("0.0005")),
    "open_count": Metric("count", "high", Decimal("0.25")),
    "open_amount": Metric("money"),
    "oldest_age_days": Metric("days", "high", Decimal(1)),
    "discrepancy_count": Metric("count", "high", Decimal("0.25")),
    "at_stake": Metric("money"),
    "settlement_delay_days": Metric("days", "high", Decimal(1)),
}


def day_metrics(result: DayResult) -> pl.DataFrame:
    """METRIC of a day. A rate whose divisor is nothing is left out, not called zero."""
    rows = [
        (result.provider, result.account, result.business_date, name, currency, value)
        for name, currency, value in _figures(result)
        if value is not None
    ]
    return pl.DataFrame(rows, schema=dict(METRIC), orient="row").sort("name", "currency")


Figure = tuple[str, str | None, Decimal | None]


def _figures(result: DayResult) -> Iterator[Figure]:
    own = own_lines(result)
    yield "match_rate_by_count", None, own.match_rate
    for code, share in own.match_rates_by_value.items():
        yield "match_rate_by_value", code, share
    yield from _of_batches(result.batches)
    yield "success_rate", None, _success_rate(result.lines)
    yield from _of_open_items(result)
    yield "discrepancy_count", None, Decimal(result.discrepancies.height)
    for code, amount in _sizes(result.discrepancies, "difference"):
        yield "at_stake", code, amount


@dataclass(frozen=True)
class OwnLines:
    """What became of the rows of the day's statement, by outcome (of CONSERVATION): how many there
    are, and their amounts without a sign, by currency and outcome.

    What was carried from earlier days has been counted on its own day; with it, a share of matched
    rows would fall a little every day that something old stays open.
    """

    counts: Mapping[str, int]
    turnover: Mapping[tuple[str | None, str], Decimal]

    @property
    def match_rate(self) -> Decimal | None:
        """The share that met their ledger entry; None on a day without rows."""
        matched, every = (Decimal(self.counts.get(name, 0)) for name in ("matched", "input"))
        return rate(matched, every)

    @property
    def match_rates_by_value(self) -> dict[str, Decimal]:
        """The share of the turnover that met its ledger entries, by currency."""
        return {
            code: share
            for (code, outcome), every in self.turnover.items()
            if code is not None and outcome == "input"
            if (share := rate(self.turnover.get((code, "matched"), Decimal(0)), every)) is not None
        }


def own_lines(result: DayResult) -> OwnLines:
    key = ["currency", "outcome"]
    went = [result.conservation.filter(side="line").select(*key, "row_count", "turnover")]
    met = result.cleared.filter(pl.col("match_id").is_not_null(), side="line")
    for outcome, earlier in (("input", result.carried.filter(side="line")), ("matched", met)):
        if earlier.height:
            counted = earlier.group_by("currency").agg(
                outcome=pl.lit(outcome),
                row_count=-pl.len().cast(pl.Int64),
                turnover=-pl.col("amount").abs().sum(),
            )
            went.append(counted)
    counts: dict[str, int] = defaultdict(int)
    turnover: dict[tuple[str | None, str], Decimal] = {}
    summed = pl.concat(went).group_by(key).agg(pl.col("row_count", "turnover").sum()).sort(key)
    for currency, outcome, count, amount in summed.iter_rows():
        counts[outcome] += count
        turnover[currency, outcome] = amount
    return OwnLines(counts, turnover)


def _sizes(frame: pl.DataFrame, amount: str) -> list[tuple[str, Decimal]]:
    """What the rows of each currency amount to without their signs."""
    if frame.is_empty():
        return []
    summed = frame.group_by("currency").agg(pl.col(amount).abs().sum())
    return summed.drop_nulls("currency").rows()


def _of_batches(batches: pl.DataFrame) -> Iterator[Figure]:
    if batches.is_empty():
        return
    yield "payment_count", None, Decimal(batches["payment_count"].sum())
    sums = batches.group_by("currency").agg(pl.col("gross", "fees", "refunds", "chargebacks").sum())
    for code, gross, fees, refunds, chargebacks in sums.iter_rows():
        yield "gross", code, gross
        yield "fee_rate", code, rate(fees, gross)
        yield "refund_rate", code, rate(-refunds, gross)
        yield "chargeback_rate", code, rate(-chargebacks, gross)


def _of_open_items(result: DayResult) -> Iterator[Figure]:
    # What a cycle has not paid yet, or the balance not booked, waits for its day, not for a person.
    not_due = pl.col("side").is_in(["due", "booking"]) & (pl.col("state") == "open")
    left = result.open_items.filter(~not_due)
    yield "open_count", None, Decimal(left.height)
    for code, amount in _sizes(left, "amount"):
        yield "open_amount", code, amount
    oldest = left["business_date"].min()
    age = (result.business_date - oldest).days if isinstance(oldest, date) else 0
    yield "oldest_age_days", None, Decimal(age)


def _success_rate(lines: pl.LazyFrame) -> Decimal | None:
    """Payments that succeeded, of those that have ended; statements of successes only give 1."""
    ended = lines.filter(
        (pl.col("kind") == "payment") & pl.col("status").is_in(["succeeded", "failed"])
    )
    counts = dict(ended.group_by("status").len().collect(engine="streaming").iter_rows())
    return rate(Decimal(counts.get("succeeded", 0)), Decimal(sum(counts.values())))


def settlement_delays(receipts: pl.DataFrame) -> pl.DataFrame:
    """METRIC of the payers: on the day a payout arrives, how many days it was under way.

    `receipts` is RECEIPT; of several that arrive on one day the slowest counts.
    """
    delay = (pl.col("received_on") - pl.col("paid_on")).dt.total_days()
    return (
        receipts.group_by("payout_provider", "payout_account", "received_on", "currency")
        .agg(value=delay.max())
        .select(
            provider="payout_provider",
            account="payout_account",
            business_date="received_on",
            name=pl.lit("settlement_delay_days"),
            currency="currency",
            value=pl.col("value").cast(MONEY),
        )
        .sort("provider", "account", "business_date", "currency")
    )


Key: TypeAlias = tuple[str, str, str, str | None]  # provider, account, name, currency
_KEY: Final = ("provider", "account", "name", "currency")


def anomalies(history: pl.DataFrame, day: date) -> pl.DataFrame:
    """METRIC up to a day -> ANOMALY of that day: what is far from what it was in the weeks before.

    Volumes are compared with the same weekday, everything else with every day.
    """
    found = []
    for key, values in _by_day(history, day, WEEKS_LOOKED_AT).items():
        today = values.pop(day, None)
        row = None if today is None else _unusual(METRICS[key[2]], today, values, day)
        if row is not None:
            found.append((*key[:2], day, *key[2:], today, *row))
    return pl.DataFrame(found, schema=dict(ANOMALY), orient="row").sort(*_KEY, nulls_last=True)


def is_comparable(history: pl.DataFrame, day: date) -> bool:
    """Whether a METRIC up to a day has enough days before it for anything to be called unusual."""
    by_day = _by_day(history, day, WEEKS_LOOKED_AT).values()
    return any(len(values.keys() - {day}) >= MINIMUM_DAYS for values in by_day)


def usual_values(history: pl.DataFrame, day: date) -> pl.DataFrame:
    """The median (`usual`) of each figure in the four weeks before a day, and of how many days."""
    rows = []
    for key, values in _by_day(history, day, _USUAL_WEEKS).items():
        values.pop(day, None)
        if values:
            rows.append((*key, median(values.values()), len(values)))
    schema = {name: METRIC[name] for name in _KEY} | {"usual": MONEY, "days_count": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _by_day(history: pl.DataFrame, day: date, weeks: int) -> dict[Key, dict[date, Decimal]]:
    """The values of each figure in the weeks up to a day, by day; few, so that Python may walk."""
    recent = history.filter(pl.col("business_date").is_between(day - timedelta(weeks=weeks), day))
    found: dict[Key, dict[date, Decimal]] = {}
    for *key, when, value in recent.select(*_KEY, "business_date", "value").iter_rows():
        found.setdefault((key[0], key[1], key[2], key[3]), {})[when] = value
    return found


def _unusual(
    metric: Metric, value: Decimal, before: Mapping[date, Decimal], day: date
) -> tuple[Decimal, Decimal, Decimal, int] | None:
    """Usual, lowest, highest and how many days, where the value is far off; else None."""
    values = [
        one
        for when, one in before.items()
        if not metric.by_weekday or when.weekday() == day.weekday()
    ]
    needed = _MINIMUM_WEEKDAYS if metric.by_weekday else MINIMUM_DAYS
    if len(values) < needed or not metric.worse:
        return None
    usual = median(values)
    away = value - usual
    is_bad = {"high": away > 0, "low": away < 0, "both": True}[metric.worse]
    spread = median(abs(one - usual) for one in values) * _SPREAD
    share = abs(usual) if metric.unit in ("count", "money") else Decimal(1)
    if not is_bad or abs(away) <= max(spread, metric.floor * share):
        return None
    return usual, min(values), max(values), len(values)


def rate(part: Decimal, whole: Decimal) -> Decimal | None:
    """A share, rounded to six places; None of nothing."""
    return (part / whole).quantize(RATE_PLACES) if whole else None
