"""The settings of one account, as the stages see them: frozen, complete, already checked by io."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from recon.periods import Clock, cut_off_of


@dataclass(frozen=True)
class AccountSettings:
    """One merchant account at a provider (`[[account]]` in configs/providers/<slug>.toml)."""

    provider: str
    account: str
    title: str
    time_zone: str
    statements: tuple[str, ...]  # kinds of statement that must be there for a day to be proved
    cut_off: str = "24:00"  # when a business date ends, where that follows from the time of a row
    line_window_days: int = 1  # how long a line may wait for its entry
    entry_window_days: int = 1  # how long an entry may wait for its line
    date_tolerance_days: int = 1  # a matched pair may be this many days apart
    unmapped_limit: int = 0  # rejected rows tolerated before the day is not proved
    fee_tolerance: Decimal = Decimal(0)
    pays_into: tuple[tuple[str, str], ...] = ()  # currency (or *) and the bank account
    booking_window_days: int = 1  # how long a movement may wait to be booked on the balance
    payout_window_days: int = 3  # how long a payout may be on its way
    reserve_percent: Decimal | None = None  # of the payments of a day, held; None: not agreed
    reserve_days: int = 0  # after which what was held comes back
    cycle: str | None = None  # when what a day has earned is paid out; None: not judged
    cycle_from: date | None = None  # the first business date that is paid so
    cycle_calendar: str | None = None  # holidays of the banks
    minimum_payout: tuple[tuple[str, Decimal], ...] = ()  # by currency; less is carried forward
    payouts_on: Literal["statement", "bank"] = "statement"  # what tells them
    payout_reference: str | None = None  # what the bank says of one
    fx_tolerance_percent: Decimal | None = None  # from the reference rate; None: not compared

    @property
    def clock(self) -> Clock:
        return Clock(self.time_zone, cut_off_of(self.cut_off))


@dataclass(frozen=True)
class Expectation:
    """Whether the statements of one day should be here, and what their absence means.

    `due`: what is not here is missing. `later`: it is not to be expected yet. `closed`: there is no
    business on that day. `quiet`: the source has said that there is nothing. `note` is the reason,
    as part of a sentence. `may_be_empty`: a statement without rows is how the source says so.
    """

    state: Literal["due", "later", "closed", "quiet"] = "due"
    note: str = ""
    may_be_empty: bool = False
