"""What is asked of the generator, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from recon.money import MONEY
from tests.generator.randomness import Stream

TIME_ZONE: Final = {"wechatpay": "Asia/Shanghai", "paypal": "America/Los_Angeles"}
ACCOUNT: Final = {"wechatpay": "1600000001", "paypal": "RECONDEMO7US1"}
OPENING: Final[dict[str, dict[str, Decimal]]] = {
    "wechatpay": {"CNY": Decimal("50000.00")},
    "paypal": {"EUR": Decimal("5000.00"), "JPY": Decimal(500000), "USD": Decimal("20000.00")},
}

# Hundredths by which a planted balance is off, and a time of the day that does not exist.
BALANCE_OFF: Final = 12_300
NO_TIME: Final = "25:61:61"

# Plants that are no movement, but happen to whole files; see `mishaps`.
OF_FILES: Final = ("control_total_mismatch", "balance_mismatch", "file_duplicate", "file_missing")

# What can be planted, with how many of each a day of a hundred thousand rows has by default.
# date_mismatch needs a window of two days or more, so it is only made when asked for; so is what
# keeps a day from being proved.
_EVERYWHERE: Final = {
    "missing_in_ledger": 50,
    "missing_in_provider": 50,
    "amount_mismatch": 50,
    "currency_mismatch": 5,
    "status_mismatch": 5,
    "direction_mismatch": 5,
    "date_mismatch": 0,
    "reference_mismatch": 5,
    "duplicate_in_provider": 5,
    "duplicate_in_ledger": 5,
    "ambiguous_match": 5,
    "split_incomplete": 5,
    "over_refund": 5,
    "fee_variance": 20,
    "unmapped_row": 0,
    "validation_failed": 0,
    "control_total_mismatch": 0,
    "file_duplicate": 0,
    "file_missing": 0,
}
PLANTABLE: Final[dict[str, dict[str, int]]] = {
    # PayPal's report is held to its balances by its own control totals.
    "wechatpay": _EVERYWHERE | {"balance_mismatch": 0},
    "paypal": _EVERYWHERE
    | {"refund_unlinked": 5, "chargeback_unrecorded": 5, "reserve_unexplained": 5}
    | {"withdrawal_charge_variance": 2, "fx_variance": 5},
}

LABEL: Final = {
    "type": pl.String(),
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),  # the run that must report it
    "currency": pl.String(),
    "difference": MONEY,  # provider - ledger; a side that is absent counts as 0
    "merchant_ref": pl.String(),
    "txn_id": pl.String(),  # of the line where there is one, else of the entry
    "note": pl.String(),
}

# Items that are open at the end of the day and match on the next: no discrepancy at any time.
CARRIED: Final = {
    "side": pl.String(),  # which side came first: line, entry
    "business_date": pl.Date(),
    "kind": pl.String(),
    "currency": pl.String(),
    "amount": MONEY,
    "merchant_ref": pl.String(),
    "txn_id": pl.String(),
    "matched_on": pl.Date(),  # the run in which the other side comes
}


@dataclass(frozen=True)
class DaySpec:
    """One business date of one account. Equal specs give equal bytes.

    `rows` is the number of rows of the trade bill, or of SB rows of the settlement report, exactly.
    `carry_out` payments come just before midnight and one of their two sides is dated tomorrow;
    `carry_in` is how many of those yesterday had, so that their other sides come today.
    """

    provider: str
    account: str
    business_date: date
    rows: int
    seed: int = 1
    plants: Mapping[str, int] = field(default_factory=dict)
    opening_balances: Mapping[str, Decimal] | None = None  # None: those of OPENING
    carry_in: int = 0
    carry_out: int = 0
    line_window_days: int = 1
    entry_window_days: int = 1
    with_fund_flow: bool = True  # WeChat Pay: the second bill, and the withdrawal only it has
    entry_series: str = ""  # part of the entry ids; "": the provider's first letter

    def __post_init__(self) -> None:
        if self.provider not in TIME_ZONE:
            raise ValueError(f"no provider {self.provider!r}; there are: {', '.join(TIME_ZONE)}")
        unknown = set(self.plants) - set(PLANTABLE[self.provider])
        if unknown:
            raise ValueError(f"cannot plant {', '.join(sorted(unknown))} at {self.provider}")
        if self.plants.get("date_mismatch") and self.line_window_days < 2:
            raise ValueError("date_mismatch needs line_window_days of 2 or more")
        if self.carry_out and not (self.line_window_days and self.entry_window_days):
            raise ValueError("carry_out needs windows of a day or more")

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(TIME_ZONE[self.provider])

    @property
    def midnight(self) -> datetime:
        """When the business date starts, in UTC."""
        start = datetime.combine(self.business_date, datetime.min.time(), self.time_zone)
        return start.astimezone(ZoneInfo("UTC"))

    @property
    def opening(self) -> Mapping[str, Decimal]:
        if self.opening_balances is None:
            return OPENING[self.provider]
        return self.opening_balances

    def planted(self, discrepancy_type: str) -> int:
        return self.plants.get(discrepancy_type, 0)

    def day(self, offset: int) -> date:
        return self.business_date + timedelta(days=offset)

    def stream(self, offset: int, family: str) -> Stream:
        """Random columns of another day of this account, or of this one."""
        day = self.day(offset).isoformat()
        return Stream(f"{self.seed}:{self.provider}:{self.account}:{day}:{family}")


@dataclass(frozen=True)
class GeneratedDay:
    """The statements of a day, what the ledger says about it, and the truth about both."""

    spec: DaySpec
    files: Mapping[str, bytes]
    ledger: pl.DataFrame  # LEDGER_ENTRY
    labels: pl.DataFrame  # LABEL
    carried: pl.DataFrame  # CARRIED
    closing_balances: Mapping[str, Decimal]


def default_plants(provider: str, rows: int) -> dict[str, int]:
    """A mix that grows with the day; every type at least once from 200 rows on."""
    least = 1 if rows >= 200 else 0
    return {
        name: max(least, rows * share // 100_000)
        for name, share in PLANTABLE[provider].items()
        if share
    }
