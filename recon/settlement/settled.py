"""The settlement of a day: batches, the reserve, what is due to be paid out, and what about them is
not as it should be."""

from dataclasses import dataclass

import polars as pl

from recon.discrepancies import Day
from recon.settings import AccountSettings
from recon.settlement import batches, continuity, due, reserve
from recon.settlement.due import Dues, PayoutTerms


@dataclass(frozen=True)
class Before:
    """What earlier days have left, and the terms that it is paid out by."""

    closed: pl.DataFrame  # CLOSED
    reserves: pl.DataFrame  # RESERVE_DAY
    open_items: pl.DataFrame  # OPEN_ITEM
    terms: PayoutTerms | None


@dataclass(frozen=True)
class Settlement:
    """What the lines add up to, what of it is held back, and what is due to be paid out."""

    batches: pl.DataFrame  # SETTLEMENT_BATCH
    reserve: pl.DataFrame  # RESERVE
    dues: Dues
    jumps: pl.DataFrame  # DISCREPANCY: balances that do not open with what was closed before

    def discrepancies(self, account: AccountSettings, day: Day) -> pl.DataFrame:
        """DISCREPANCY of balances, and of a reserve and payouts that are not as agreed."""
        off = batches.discrepancies(self.batches, day)
        held = reserve.unexplained(self.reserve, account, day)
        return pl.concat([off, held, self.dues.discrepancies])


def settled(
    lines: pl.LazyFrame,
    balances: pl.DataFrame,
    controls: pl.DataFrame,
    before: Before,
    account: AccountSettings,
    day: Day,
    *,
    is_whole: bool,
) -> Settlement:
    """STATEMENT_LINE, BALANCE and CONTROL_TOTAL of a day -> Settlement; `is_whole` says whether
    nothing of the day is missing."""
    dues = due.dues(lines, before.open_items, account, before.terms, day, is_whole=is_whole)
    made = batches.batches(lines, balances, controls, day)
    # Without its first row, a statement may open with another balance than it has.
    told = balances if is_whole else balances.clear()
    jumps = continuity.discontinuities(told, before.closed, day)
    return Settlement(
        batches.with_expected_payouts(made, dues.expected) if before.terms else made,
        reserve.reserve(lines, before.reserves, account, day.business_date),
        dues,
        jumps,
    )
