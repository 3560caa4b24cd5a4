"""The settlement of a day: batches, the reserve, what is due to be paid out, and what about them is
not as it should be."""

from dataclasses import dataclass

import polars as pl

from recon.discrepancies import Day
from recon.settings import AccountSettings
from recon.settlement import batches, continuity, due, reserve
from recon.settlement.bookings import Bookings, bookings
from recon.settlement.due import Dues, PayoutTerms


@dataclass(frozen=True)
class Told:
    """What the statements of the day tell."""

    lines: pl.LazyFrame  # STATEMENT_LINE
    balances: pl.DataFrame  # BALANCE
    controls: pl.DataFrame  # CONTROL_TOTAL
    booked: pl.DataFrame | None = None  # BOOKED; None: nobody says when the balance moves
    booking_files: frozenset[str] = frozenset()  # file_ids of what says so


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
    bookings: Bookings
    jumps: pl.DataFrame  # DISCREPANCY: balances that do not open with what was closed before

    def discrepancies(self, account: AccountSettings, day: Day) -> pl.DataFrame:
        """DISCREPANCY of balances, and of a reserve and payouts that are not as agreed."""
        off = batches.discrepancies(self.batches, self.bookings.before, day)
        held = reserve.unexplained(self.reserve, account, day)
        return pl.concat([off, held, self.dues.discrepancies, self.bookings.discrepancies])


def settled(
    told: Told, before: Before, account: AccountSettings, day: Day, *, is_whole: bool
) -> Settlement:
    """What the statements of a day tell -> Settlement; `is_whole` says whether nothing of the day
    is missing."""
    dues = due.dues(told.lines, before.open_items, account, before.terms, day, is_whole=is_whole)
    booked = bookings(
        told.lines.filter(~pl.col("file_id").is_in(sorted(told.booking_files))),
        told.booked,
        before.open_items,
        account.booking_window_days,
        day,
        is_first=before.closed.height == 0,
        is_whole=is_whole,
    )
    made = batches.batches(told.lines, told.balances, told.controls, booked.unbooked, day)
    # Without its first row, a statement may open with another balance than it has.
    balances = told.balances if is_whole else told.balances.clear()
    jumps = continuity.discontinuities(balances, before.closed, day)
    return Settlement(
        batches.with_expected_payouts(made, dues.expected) if before.terms else made,
        reserve.reserve(told.lines, before.reserves, account, day.business_date),
        dues,
        booked,
        jumps,
    )
