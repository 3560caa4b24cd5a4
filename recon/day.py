"""What a day is run on: its statements, entries and what came before, the policy, and a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

from recon.control.write_offs import SmallDifferences
from recon.control_tables import WRITE_OFF
from recon.discrepancies import Severity
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.matching.rules import MatchRule
from recon.providers.contract import Content, Place, Provider, StatementKind
from recon.results import StatementFile
from recon.settings import AccountSettings, Expectation
from recon.settlement.continuity import CLOSED
from recon.settlement.due import PayoutTerms
from recon.settlement.payouts import SENT_BEFORE
from recon.settlement.reserve import RESERVE_DAY
from recon.tables import LEDGER_ENTRY, OPEN_ITEM, PAYOUT, empty
from recon.wording import Language


@dataclass(frozen=True)
class Statement:
    """One statement of the day, as registered and as bytes; `elsewhere` are the other accounts and
    days the same file was registered for."""

    file: StatementFile
    kind: StatementKind
    content: Content
    elsewhere: frozenset[Place] = frozenset()


@dataclass(frozen=True)
class DayInput:
    """Everything one day is made of. `entry_rejects` are ledger rows nobody could understand."""

    account: AccountSettings
    provider: Provider
    business_date: date
    statements: tuple[Statement, ...]
    entries: pl.LazyFrame  # LEDGER_ENTRY of the day
    entry_rejects: pl.DataFrame  # REJECT
    open_items: pl.DataFrame  # OPEN_ITEM of the business date before
    orders: pl.DataFrame = field(default_factory=lambda: empty(LEDGER_ENTRY))  # see `over_refunds`
    expected: Expectation = field(default_factory=Expectation)
    holidays: tuple[date, ...] = ()  # of the account's calendar, around the business date
    write_offs: pl.DataFrame = field(default_factory=lambda: empty(WRITE_OFF))  # effective since
    # the business date before
    gaps: tuple[str, ...] = ()  # numbered statements before these that have never come
    payouts: pl.DataFrame | None = None  # PAYOUT sent to this account, not received yet; None: it
    # is no account that payouts go to
    # What statements of the days before have told of payouts of this account.
    sent_before: pl.DataFrame = field(default_factory=lambda: empty(SENT_BEFORE))
    # What was written off, on whatever day: OPEN_ITEM of lines and entries, PAYOUT sent to here.
    given_up_items: pl.DataFrame = field(default_factory=lambda: empty(OPEN_ITEM))
    given_up_payouts: pl.DataFrame = field(default_factory=lambda: empty(PAYOUT))
    rates: pl.DataFrame | None = None  # EXCHANGE_RATE; None: the account's are not compared
    reserves: pl.DataFrame = field(default_factory=lambda: empty(RESERVE_DAY))  # of days before
    closed: pl.DataFrame = field(default_factory=lambda: empty(CLOSED))  # the statement before
    payout_terms: PayoutTerms | None = None  # None: when it is paid out is not agreed
    fee_usage: pl.DataFrame = field(default_factory=lambda: empty(FEE_USAGE))  # before the day


@dataclass(frozen=True)
class Policy:
    """How to match, what it should cost, and in which language that is told."""

    rules: tuple[MatchRule, ...]
    tariffs: tuple[Tariff, ...]
    severity: Severity = field(default_factory=Severity)
    receipt_rules: tuple[MatchRule, ...] = ()
    rate_max_age_days: int = 7
    language: Language = "en"  # of explanations and suggested actions
    small_differences: SmallDifferences = field(default_factory=SmallDifferences)

    def tariffs_of(self, account: str) -> list[Tariff]:
        """The fee schedule of an account: what it is charged, and what it charges others."""
        return [row for row in self.tariffs if row.account == account]


class Store(Protocol):
    """Where a stage's large frames go: Parquet files in a run, memory in a test."""

    def __call__(
        self, kept: Mapping[str, pl.LazyFrame], collected: Sequence[pl.LazyFrame]
    ) -> tuple[dict[str, pl.LazyFrame], list[pl.DataFrame]]:
        """Evaluate all frames in one pass: `kept` come back to be read again, others in memory."""


class MemoryStore:
    """Keeps frames in memory: for tests and for statements that are not worth a file."""

    def __call__(
        self, kept: Mapping[str, pl.LazyFrame], collected: Sequence[pl.LazyFrame]
    ) -> tuple[dict[str, pl.LazyFrame], list[pl.DataFrame]]:
        frames = pl.collect_all([*kept.values(), *collected], engine="streaming")
        return (
            {name: frame.lazy() for name, frame in zip(kept, frames, strict=False)},
            frames[len(kept) :],
        )
