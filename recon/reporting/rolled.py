"""Open items rolled forward: opening + new - cleared - written off = closing."""

from typing import Final, Literal, TypeAlias

import polars as pl

from recon.reporting import text
from recon.reporting.columns import column, columns, named, worded
from recon.reporting.sheets import CountOf, Formula, Kind, SumOf, Table
from recon.reporting.text import Language
from recon.results import DayResult

Measure: TypeAlias = Literal["count", "amount"]

_STEPS: Final = ("opening", "new", "cleared", "written_off", "closing")
_CHECK: Final = "{opening}+{new}-{cleared}-{written_off}-{closing}"


def rolled_of_day(result: DayResult, language: Language) -> tuple[Table, Table]:
    """Of one account's day; closing is the sum of the list of open items."""
    key = {"side": "{side}", "currency": "{currency}"}
    frame = result.roll_forward.sort("side", "currency", nulls_last=True)
    return (
        _rolled(frame, "", "count", language, CountOf("open_items", "item_id", key)),
        _rolled(frame, "", "amount", language, SumOf("open_items", "amount", key)),
    )


def rolled_of_days(frame: pl.DataFrame, language: Language) -> tuple[Table, Table]:
    """Of many accounts (ROLL_FORWARD with whose each is): what the first day of each found open,
    what came and went, what its last day left."""
    key = ["provider", "account", "side", "currency"]
    moved = [f"{step}_{measure}" for step in _STEPS[1:-1] for measure in ("count", "amount")]
    summed = (
        frame.sort("business_date")
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("opening_count", "opening_amount").first(),
            pl.col(moved).sum(),
            pl.col("closing_count", "closing_amount").last(),
        )
        .sort(key)
    )
    whose = "provider account "
    return (
        _rolled(summed, whose, "amount", language),
        _rolled(summed, whose, "count", language),
    )


def _rolled(
    frame: pl.DataFrame, whose: str, measure: Measure, language: Language, sum_of: Formula = ""
) -> Table:
    kind: Kind = "count" if measure == "count" else "money"
    name = "roll_forward_rows" if measure == "count" else "roll_forward_amounts"
    opening, new, cleared, written_off, closing = (pl.col(step) for step in _STEPS)
    shown = frame.with_columns(
        worded("side", text.SIDES, language),
        named("currency"),
        **{step: pl.col(f"{step}_{measure}") for step in _STEPS},
    ).with_columns(check=opening + new - cleared - written_off - closing)
    return Table(
        name,
        (
            *columns(f"{whose}side currency", language),
            *(column(step, language, kind=kind) for step in _STEPS[:-1]),
            column("closing", language, kind=kind, formula=sum_of),
            column("check", language, kind=kind, formula=_CHECK, check=True),
        ),
        shown,
        title=text.phrase(name, language),
    )
