"""What reconciling one account for one business date gives: read by settlement, reports and io."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from recon.book_tables import POSTING, PROPOSED_ENTRY, RESERVE
from recon.control_tables import CLEARED_ITEM, RUN_CHANGE, SMALL_DIFFERENCE, WRITE_OFF
from recon.tables import OPEN_ITEM, OUR_CHARGE, empty


@dataclass(frozen=True)
class StatementFile:
    """One statement that took part in a run."""

    file_id: str
    name: str
    kind: str
    version: int = 1


@dataclass(frozen=True)
class DayResult:
    """The result of one (provider, account, business date). Frames are canonical tables."""

    provider: str
    account: str
    account_title: str
    business_date: date
    files: tuple[StatementFile, ...]
    lines: pl.LazyFrame  # STATEMENT_LINE: every line of the day's statements
    matches: pl.LazyFrame  # MATCH
    discrepancies: pl.DataFrame  # DISCREPANCY
    open_items: pl.DataFrame  # OPEN_ITEM: carried to the next day
    rejects: pl.DataFrame  # REJECT
    controls: pl.DataFrame  # CONTROL_TOTAL
    assessed_withdrawals: pl.DataFrame  # WITHDRAWAL_CHARGE, with network fees in other tokens
    fees: pl.DataFrame  # FEE_SUMMARY
    batches: pl.DataFrame  # SETTLEMENT_BATCH
    roll_forward: pl.DataFrame  # ROLL_FORWARD
    conservation: pl.DataFrame  # CONSERVATION
    payouts: pl.DataFrame  # PAYOUT: what the account has sent to one of our bank accounts
    receipts: pl.DataFrame  # RECEIPT: of a bank account, the payouts that have arrived
    not_proved_because: tuple[str, ...]  # sentences; empty: proved
    quiet_because: str = ""  # why there is no statement and nothing is missing
    later_because: str = ""  # why a statement that is not here is not missing yet
    our_charges: pl.DataFrame = field(default_factory=lambda: empty(OUR_CHARGE))
    reserve: pl.DataFrame = field(default_factory=lambda: empty(RESERVE))
    postings: pl.DataFrame = field(default_factory=lambda: empty(POSTING))
    proposed_entries: pl.DataFrame = field(default_factory=lambda: empty(PROPOSED_ENTRY))
    carried: pl.DataFrame = field(default_factory=lambda: empty(OPEN_ITEM))  # from earlier days
    # Of them those that are open no more; write-offs that take effect today.
    cleared: pl.DataFrame = field(default_factory=lambda: empty(CLEARED_ITEM))
    written_off: pl.DataFrame = field(default_factory=lambda: empty(WRITE_OFF))
    small_differences: pl.DataFrame = field(default_factory=lambda: empty(SMALL_DIFFERENCE))
    # What the run found otherwise than the one it superseded.
    changes: pl.DataFrame = field(default_factory=lambda: empty(RUN_CHANGE))
    supersedes: str | None = None

    @property
    def proved(self) -> bool:
        return not self.not_proved_because
