"""The settlement of a day: batches, the reserve, and what about them is not as it should be."""

from dataclasses import dataclass

import polars as pl

from recon.discrepancies import Day
from recon.settings import AccountSettings
from recon.settlement import batches, reserve


@dataclass(frozen=True)
class Settlement:
    """What the lines add up to, and what of it is held back."""

    batches: pl.DataFrame  # SETTLEMENT_BATCH
    reserve: pl.DataFrame  # RESERVE

    def discrepancies(self, account: AccountSettings, day: Day) -> pl.DataFrame:
        """DISCREPANCY of balances, and of a reserve that is not as agreed."""
        off = batches.discrepancies(self.batches, day)
        return pl.concat([off, reserve.unexplained(self.reserve, account, day)])


def settled(
    lines: pl.LazyFrame,
    balances: pl.DataFrame,
    controls: pl.DataFrame,
    earlier: pl.DataFrame,
    account: AccountSettings,
    day: Day,
) -> Settlement:
    """STATEMENT_LINE, BALANCE, CONTROL_TOTAL and RESERVE_DAY of earlier days -> Settlement."""
    return Settlement(
        batches.batches(lines, balances, controls, day),
        reserve.reserve(lines, earlier, account, day.business_date),
    )
