"""Numbers to watch: each account's figures against what they usually are, and as charts."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from recon.metrics import METRICS, MINIMUM_DAYS, anomalies, is_comparable, usual_values
from recon.money import display, round_by_currency
from recon.reporting import text
from recon.reporting.book import Book
from recon.reporting.columns import column, columns
from recon.reporting.sheets import Banner, Block, Chart, Charts, Column, Kind, Sheet, Table
from recon.reporting.text import Language

_KINDS: Final[dict[str, Kind]] = {
    "count": "count",
    "money": "money",
    "rate": "percent",
    "days": "count",
}
_AMOUNTS: Final = [name for name, metric in METRICS.items() if metric.unit == "money"]
# What the charts show, and in which shape.
_CHARTED: Final = {
    "payment_count": "stacked",
    "match_rate_by_count": "line",
    "oldest_age_days": "line",
    "fee_rate": "line",
}
# The tables of figures, and which figures have their median beside them.
_SHOWN: Final[Mapping[str, Mapping[str, bool]]] = {
    "figures_count": {
        "payment_count": True,
        "match_rate_by_count": True,
        "success_rate": False,
        "open_count": True,
        "oldest_age_days": False,
        "discrepancy_count": True,
    },
    "figures_money": {
        "gross": True,
        "fee_rate": True,
        "refund_rate": True,
        "chargeback_rate": False,
        "match_rate_by_value": False,
        "open_amount": False,
        "at_stake": False,
        "settlement_delay_days": False,
    },
}
_SERIES_SHOWN: Final = 9
_WEEKS_DRAWN: Final = 4
_NAME_LENGTH: Final = 6  # the end of an account, in a legend


def watch_sheet(book: Book, language: Language) -> Sheet:
    """Every figure of the last day beside its median of four weeks; what is unusual, in words."""
    day = book.period.last
    odd = anomalies(book.history, day)
    sentences = tuple(f"• {anomaly_in_words(row, language)}" for row in odd.iter_rows(named=True))
    if odd.height:
        said = text.phrase("unusual_count", language).format(count=odd.height)
        banner = Banner(said, "warn", sentences)
    elif not is_comparable(book.history, day):
        said = text.phrase("not_comparable", language).format(count=MINIMUM_DAYS)
        banner = Banner(said, "muted")
    else:
        banner = Banner(text.phrase("nothing_unusual", language), "good")
    blocks: list[Block] = [banner]
    blocks += [_figures(book, language, names, title) for title, names in _SHOWN.items()]
    return Sheet(
        text.sheet("watch", language),
        tuple(blocks),
        heading=text.sheet("watch", language),
        nothing=text.phrase("nothing", language),
    )


def anomaly_in_words(row: dict[str, object], language: Language) -> str:
    """A row of ANOMALY as a sentence."""
    shown = {
        name: figure_text(str(row["name"]), row[name], row["currency"])  # type: ignore[arg-type]
        for name in ("value", "usual", "lowest", "highest")
    }
    return text.phrase("unusual", language).format(
        whose=f"{row['provider']} {row['account']}",
        figure=text.words(text.FIGURES, language)[str(row["name"])],
        days=row["days_count"],
        **shown,
    )


def figure_text(name: str, value: Decimal, currency: str | None) -> str:
    """A figure as people read it: 99.52%, 1,234, 12.50 CNY."""
    unit = METRICS[name].unit
    if unit == "rate":
        return percent(value) + (f" {currency}" if currency else "")
    if unit == "money" and currency:
        return display(value, currency)
    return f"{value:,.1f}".removesuffix(".0")


def percent(rate: Decimal) -> str:
    """Two decimals, or all there are where a share is not quite all: that must not look like it."""
    shown = (rate * 100).quantize(Decimal("0.01"))
    return f"{(rate * 100).normalize():f}%" if shown == 100 and rate != 1 else f"{shown}%"


def _figures(book: Book, language: Language, names: Mapping[str, bool], title: str) -> Table:
    """One row an account (and currency); a figure a column, and what it usually is where asked."""
    day = book.period.last
    key = ["provider", "account", *(["currency"] if title == "figures_money" else [])]
    here = book.history.filter(pl.col("name").is_in(list(names)), business_date=day)
    today = here.pivot("name", on_columns=list(names), index=key, values="value")
    value, is_money = pl.col("usual").round(6), pl.col("name").is_in(_AMOUNTS)
    in_money = round_by_currency(value, pl.col("currency"))
    medians = usual_values(book.history, day).with_columns(
        name="usual:" + pl.col("name"), usual=pl.when(is_money).then(in_money).otherwise(value)
    )
    with_usual = [f"usual:{name}" for name, wanted in names.items() if wanted]
    usual = medians.pivot("name", on_columns=with_usual, index=key, values="usual")
    shown = [*columns(" ".join(key), language)]
    for name, wanted in names.items():
        kind, heading = _KINDS[METRICS[name].unit], text.words(text.FIGURES, language)[name]
        shown.append(Column(name, heading, kind))
        if wanted:
            shown.append(Column(f"usual:{name}", text.title("usual", language), kind))
    return Table(
        title,
        tuple(shown),
        today.join(usual, on=key, how="left", nulls_equal=True, validate="1:1").sort(key),
        title=text.phrase(title, language),
    )


def charts_sheet(book: Book, language: Language) -> Sheet | None:
    """Four weeks as pictures: volume, match rate, age of open items, fee rate."""
    made = [
        Chart(
            text.words(text.FIGURES, language)[name],
            "line" if shape == "line" else "stacked",
            "history",
            "business_date",
            tuple(series["series"]),
            _KINDS[METRICS[name].unit],
            1 if name.startswith("match_rate") else None,
        )
        for name, shape in _CHARTED.items()
        if (series := _series(book, name)).height
    ]
    if not made:
        return None
    rows = tuple(Charts(tuple(made[at : at + 2])) for at in range(0, len(made), 2))
    return Sheet(text.sheet("charts", language), rows)


def _series(book: Book, name: str) -> pl.DataFrame:
    """The lines of a chart, `series` by name: (provider, account, currency); the largest ones."""
    key = ["provider", "account", "currency"]
    weighed = book.history.filter(name=name).group_by(key).agg(pl.col("value").abs().sum())
    ranked = weighed.sort("value", *key, descending=[True, False, False, False], nulls_last=True)
    drawn = ranked.head(_SERIES_SHOWN).sort(key, nulls_last=True).select(key)
    place = pl.int_range(pl.len()).cast(pl.String)
    return drawn.with_columns(name=pl.lit(name), series=pl.lit(f"{name}:") + place)


def history_sheet(book: Book, language: Language) -> Sheet | None:
    """What the charts are drawn from: one row a day, one column an account."""
    since = book.period.last - timedelta(weeks=_WEEKS_DRAWN)
    recent = book.history.filter(pl.col("business_date") > since)
    if not recent.height:
        return None
    drawn = pl.concat(_series(book, name) for name in _CHARTED)
    key = ["name", "provider", "account", "currency"]
    frame = (
        recent.select("business_date", *key, "value")
        .join(drawn, on=key, how="left", nulls_equal=True, validate="m:1")
        .pivot(on="series", on_columns=drawn["series"], index="business_date", values="value")
        .sort("business_date")
    )
    shown: list[Column] = [column("business_date", language)]
    has_several = _with_several_accounts(book)
    for name, provider, account, currency, series in drawn.select(*key, "series").iter_rows():
        # As short as a legend needs it.
        parts = [provider, account[-_NAME_LENGTH:] if provider in has_several else "", currency]
        title = " ".join(filter(None, parts))
        shown.append(Column(series, title, _KINDS[METRICS[name].unit]))
    return Sheet(
        text.sheet("history", language), (Table("history", tuple(shown), frame, main=True),)
    )


def _with_several_accounts(book: Book) -> set[str]:
    """The providers whose name alone does not say which account is meant."""
    counts = book.history.group_by("provider").agg(pl.col("account").n_unique())
    return {provider for provider, count in counts.iter_rows() if count > 1}
