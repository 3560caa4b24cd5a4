"""Numbers to watch: each account's figures against what they usually are, and as charts."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from recon.metrics import METRICS, anomalies, usual_values
from recon.money import display
from recon.reporting import text
from recon.reporting.book import Book
from recon.reporting.columns import column, columns, named
from recon.reporting.sheets import Banner, Block, Chart, Charts, Column, Kind, Sheet, Table
from recon.reporting.text import Language

_KINDS: Final[dict[str, Kind]] = {
    "count": "count",
    "money": "money",
    "rate": "percent",
    "days": "count",
}
# What the charts show, and in which shape.
_CHARTED: Final = {
    "payment_count": "stacked",
    "match_rate_by_count": "line",
    "oldest_age_days": "line",
    "fee_rate": "line",
}
_SERIES_SHOWN: Final = 10
_WEEKS_DRAWN: Final = 4
_NAME_LENGTH: Final = 16  # of an account, in a legend


def watch_sheet(book: Book, language: Language) -> Sheet:
    """Every figure of the last day beside its median of four weeks; what is unusual, in words."""
    day = book.period.last
    odd = anomalies(book.history, day)
    sentences = tuple(f"• {anomaly_in_words(row, language)}" for row in odd.iter_rows(named=True))
    if odd.height:
        said = text.phrase("unusual_count", language).format(count=odd.height)
        banner = Banner(said, "warn", sentences)
    else:
        banner = Banner(text.phrase("nothing_unusual", language), "good")
    blocks: list[Block] = [banner]
    blocks += [_figures(book, language, unit) for unit in _KINDS]
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
        percent = (value * 100).quantize(Decimal("0.01"))
        return f"{percent}%" + (f" {currency}" if currency else "")
    if unit == "money" and currency:
        return display(value, currency)
    return f"{value:,.1f}".removesuffix(".0")


def _figures(book: Book, language: Language, unit: str) -> Table:
    """The figures of one unit; a table each, because a column is of one kind."""
    names = [name for name, metric in METRICS.items() if metric.unit == unit]
    order = {name: place for place, name in enumerate(names)}
    visible = text.words(text.FIGURES, language)
    day = book.period.last
    here = book.history.filter(pl.col("name").is_in(names) & (pl.col("business_date") == day))
    key = ["provider", "account", "name", "currency"]
    usual = usual_values(book.history, day)
    frame = (
        here.join(usual, on=key, how="left", nulls_equal=True)
        .sort(pl.col("name").replace_strict(order), "provider", "account", "currency")
        .select(
            "provider",
            "account",
            named("currency"),
            "days_count",
            figure=pl.col("name").replace(visible),
            this_day=_as_kind("value", unit),
            usual=_as_kind("usual", unit),
        )
    )
    kind = _KINDS[unit]
    shown = (
        column("figure", language, kind="wrapped"),
        *columns("provider account currency", language),
        column("this_day", language, kind=kind),
        column("usual", language, kind=kind),
        column("days_count", language, kind="count"),
    )
    title = text.phrase(f"figures_{unit}", language)
    return Table(f"figures_{unit}", shown, frame, title=title)


def _as_kind(name: str, unit: str) -> pl.Expr:
    return pl.col(name).round(1) if unit in ("count", "days") else pl.col(name)


def charts_sheet(book: Book, language: Language) -> Sheet | None:
    """Four weeks as pictures: volume, match rate, age of open items, fee rate."""
    made = [
        Chart(
            text.words(text.FIGURES, language)[name],
            "line" if shape == "line" else "stacked",
            "history",
            "business_date",
            tuple(f"{name}:{place}" for place, _ in enumerate(_series(book, name))),
            "percent" if METRICS[name].unit == "rate" else "count",
        )
        for name, shape in _CHARTED.items()
        if _series(book, name)
    ]
    if not made:
        return None
    rows = tuple(Charts(tuple(made[at : at + 2])) for at in range(0, len(made), 2))
    return Sheet(text.sheet("charts", language), rows)


def _series(book: Book, name: str) -> list[tuple[str, str, str | None]]:
    """Whose lines a chart has: accounts, or accounts and currencies; the largest, by name."""
    key = ["provider", "account", "currency"]
    weighed = book.history.filter(name=name).group_by(key).agg(pl.col("value").abs().sum())
    ranked = weighed.sort("value", *key, descending=[True, False, False, False], nulls_last=True)
    return ranked.head(_SERIES_SHOWN).sort(key, nulls_last=True).select(key).rows()


def history_sheet(book: Book, language: Language) -> Sheet | None:
    """What the charts are drawn from: one row a day, one column an account."""
    since = book.period.last - timedelta(weeks=_WEEKS_DRAWN)
    recent = book.history.filter(pl.col("business_date") > since)
    if not recent.height:
        return None
    frame = recent.select("business_date").unique().sort("business_date")
    shown: list[Column] = [column("business_date", language)]
    for name in _CHARTED:
        for place, (provider, account, currency) in enumerate(_series(book, name)):
            series = f"{name}:{place}"
            found = recent.filter(
                (pl.col("name") == name)
                & (pl.col("provider") == provider)
                & (pl.col("account") == account)
                & pl.col("currency").eq_missing(pl.lit(currency))
            ).select("business_date", pl.col("value").alias(series))
            frame = frame.join(found, on="business_date", how="left", validate="1:1")
            title = " ".join([provider, account[:_NAME_LENGTH], *([currency] if currency else [])])
            shown.append(Column(series, title, _KINDS[METRICS[name].unit]))
    return Sheet(
        text.sheet("history", language), (Table("history", tuple(shown), frame, main=True),)
    )
