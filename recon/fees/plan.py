"""Which rows of a schedule apply to which lines, looked up once for each combination of traits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from recon.fees.schedule import Tariff, Traits, rows_for

PLACE: Final = pl.UInt16()  # of a row in the schedule, or of a choice in the plan


@dataclass(frozen=True)
class Choice:
    """The rows that apply to lines of a kind and currency, as their places in the schedule."""

    kind: str
    currency: str
    regular: int | None  # what it costs where no promotion does; None: no row covers it
    promotions: tuple[int, ...]  # the first to go first
    surcharges: tuple[int, ...]
    returning: frozenset[int]  # those whose fees the line gives back
    is_ordered: bool  # it depends on what came before

    @property
    def is_return(self) -> bool:
        return self.regular in self.returning


@dataclass(frozen=True)
class Plan:
    """`by_traits` has traits, the place of their `choice`, and its regular row as `tariff_row`."""

    by_traits: pl.DataFrame
    choices: tuple[Choice, ...]

    @property
    def ordered(self) -> list[int]:
        return [place for place, one in enumerate(self.choices) if one.is_ordered]


def plan(traits: pl.DataFrame, tariffs: Sequence[Tariff]) -> Plan:
    """What applies to the lines of the day; the columns of `traits` are fields of Traits."""
    found: dict[Choice, int] = {}
    chosen = [_choice(Traits(**facts), tariffs) for facts in traits.iter_rows(named=True)]
    places = [found.setdefault(choice, len(found)) for choice in chosen]
    regular = [choice.regular for choice in chosen]
    by_traits = traits.with_columns(
        choice=pl.Series(places, dtype=PLACE), tariff_row=pl.Series(regular, dtype=PLACE)
    )
    return Plan(by_traits, tuple(found))


def _choice(traits: Traits, tariffs: Sequence[Tariff]) -> Choice:
    places = {id(row): place for place, row in enumerate(tariffs)}
    chosen, extra = rows_for(tariffs, traits)
    returning = [row for row in (*chosen, *extra) if row.returns(traits.kind)]
    regular = [places[id(row)] for row in chosen if not row.has_promotion_quota]
    return Choice(
        kind=traits.kind,
        currency=traits.currency,
        regular=regular[0] if regular else None,
        promotions=tuple(places[id(row)] for row in chosen if row.has_promotion_quota),
        surcharges=tuple(places[id(row)] for row in extra),
        returning=frozenset(places[id(row)] for row in returning),
        is_ordered=any(row.counts is not None for row in (*chosen, *extra))
        or any(row.needs_original for row in returning),
    )
