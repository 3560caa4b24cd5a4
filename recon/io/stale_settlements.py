"""Settlements of merchants that would be otherwise now, because their days were run again since."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa

from recon.errors import NotProvedError
from recon.io.days import Workspace
from recon.io.merchants import known_settlements, runs_of, settled_now
from recon.io.schema import MERCHANT_SETTLEMENTS
from recon.merchants.lines import Merchant
from recon.money import display
from recon.periods import Period


@dataclass(frozen=True)
class StaleSettlement:
    """A settlement that stands, and what is not so any more, as part of a sentence."""

    merchant: str
    period: Period
    because: str

    def __str__(self) -> str:
        return (
            f"{self.merchant} {self.period}: days were run again since it was settled, "
            f"{self.because}; if that payment was not sent, or is recalled, settle it again: recon "
            f"merchants settle --from {self.period.first} --to {self.period.last} --merchant "
            f"{self.merchant} --supersede"
        )


def stale_settlements(workspace: Workspace) -> list[StaleSettlement]:
    """Of every merchant that is configured, the oldest first; those whose days were run again with
    the same outcome are none."""
    found = []
    for merchant in workspace.config.merchants.merchants:
        made = known_settlements(workspace.database, merchant.merchant)
        for first, last in made.select("first", "last").unique().sort("first").iter_rows():
            stands = made.filter(first=first)
            because = _differing(workspace, merchant, stands, Period(first, last))
            if because is not None:
                found.append(StaleSettlement(merchant.merchant, Period(first, last), because))
    return found


def marked(settlements: pl.DataFrame, stale: Sequence[StaleSettlement]) -> pl.DataFrame:
    """MERCHANT_SETTLEMENT with `is_stale`."""
    others = [(one.merchant, one.period.first) for one in stale]
    found = [row in others for row in settlements.select("merchant", "first").iter_rows()]
    return settlements.with_columns(is_stale=pl.Series(found, dtype=pl.Boolean))


def _differing(
    workspace: Workspace, merchant: Merchant, stands: pl.DataFrame, period: Period
) -> str | None:
    number = stands["settlement_id"][0]
    settlement = MERCHANT_SETTLEMENTS.c
    made_of = sa.select(settlement.runs).where(
        settlement.settlement_id == number, settlement.merchant == merchant.merchant
    )
    with workspace.database.connect() as connection:
        if connection.execute(made_of).scalar() == runs_of(workspace, merchant, period):
            return None
    try:
        now = settled_now(workspace, merchant, period)
    except NotProvedError as error:
        return f"and it cannot be settled now: {error}"
    if now["settlement_id"][0] == number:
        return None
    both = stands.join(now, on="currency", how="full", coalesce=True, suffix="_now")
    owed = [
        f"{display(after, currency)} would be owed instead of {display(before, currency)}"
        for currency, before, after in both.sort("currency")
        .select("currency", pl.col("owed").fill_null(0), pl.col("owed_now").fill_null(0))
        .iter_rows()
        if before != after
    ]
    return ", ".join(owed) or "and its lines are not the same, with the same result"
