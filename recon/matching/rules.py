"""Matching rules as data: which rows may be the same money, and how far apart they may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import polars as pl

from recon.money import MONEY, ZERO

# What a rule may ask to be equal on both sides.
KEY_COLUMNS: Final = (
    "kind",
    "txn_id",
    "merchant_ref",
    "parent_txn_id",
    "parent_ref",
    "payment_method",
    "currency",
    "amount",
    "business_date",
)
REFERENCES: Final = ("txn_id", "merchant_ref", "parent_txn_id", "parent_ref")

Direction = Literal["both", "provider_less", "provider_more"]
Groups = Literal["none", "equal", "parts", "sum", "subset"]


@dataclass(frozen=True)
class Tolerance:
    """How far the amount of a line may be from its entry's. With both limits the lower one holds;
    a percentage is of the entry's amount."""

    absolute: Decimal | None = None
    percent: Decimal | None = None
    direction: Direction = "both"

    def below(self, ledger: pl.Expr) -> pl.Expr:
        """How much less than the entry (an amount) the line may be."""
        return ZERO if self.direction == "provider_more" else self._limit(ledger)

    def above(self, ledger: pl.Expr) -> pl.Expr:
        """How much more than the entry (an amount) the line may be."""
        return ZERO if self.direction == "provider_less" else self._limit(ledger)

    def _limit(self, ledger: pl.Expr) -> pl.Expr:
        limits = []
        if self.absolute is not None:
            limits.append(pl.lit(self.absolute, dtype=MONEY))
        if self.percent is not None:
            share = pl.lit(self.percent / Decimal(100), dtype=MONEY)
            limits.append(ledger.abs() * share)
        return pl.min_horizontal(limits)

    def allows(self, amount: pl.Expr, ledger: pl.Expr) -> pl.Expr:
        """Whether the two amounts count as equal; less and more are meant without their sign."""
        apart = pl.when(ledger < ZERO).then(ledger - amount).otherwise(amount - ledger)
        return (apart <= self.above(ledger)) & (-apart <= self.below(ledger))


@dataclass(frozen=True)
class DateWindow:
    """How many days a line may be dated before its entry, and how many after it.

    Business days leave out Saturdays, Sundays and `holidays`, which are those of the account.
    """

    before: int
    after: int
    in_business_days: bool = False
    holidays: tuple[date, ...] = ()

    def first(self, entry_date: pl.Expr) -> pl.Expr:
        """The earliest business date of a line for an entry of that date."""
        return self._shifted(entry_date, -self.before, "backward")

    def last(self, entry_date: pl.Expr) -> pl.Expr:
        """The latest one."""
        return self._shifted(entry_date, self.after, "forward")

    def _shifted(self, day: pl.Expr, days: int, roll: Literal["forward", "backward"]) -> pl.Expr:
        if not self.in_business_days:
            return day + pl.duration(days=days)
        return day.dt.add_business_days(days, holidays=self.holidays, roll=roll)

    def allows(self, line_date: pl.Expr, entry_date: pl.Expr) -> pl.Expr:
        """Whether the two dates are near enough."""
        return line_date.is_between(self.first(entry_date), self.last(entry_date))


@dataclass(frozen=True)
class KeyForm:
    """How a reference is read before it is compared: what two systems write differently."""

    strip_prefixes: tuple[str, ...] = ()
    strip_suffixes: tuple[str, ...] = ()
    ignore_characters: str = ""  # each of them, wherever it stands
    ignore_case: bool = False
    ignore_leading_zeros: bool = False

    def of(self, text: pl.Expr) -> pl.Expr:
        for character in self.ignore_characters:
            text = text.str.replace_all(character, "", literal=True)
        if self.ignore_case:
            text = text.str.to_lowercase()
        for prefix in self.strip_prefixes:
            text = text.str.strip_prefix(self._as_read(prefix))
        for suffix in self.strip_suffixes:
            text = text.str.strip_suffix(self._as_read(suffix))
        if self.ignore_leading_zeros:
            text = text.str.replace("^0+(.)", "$1")
        return text

    def _as_read(self, affix: str) -> str:
        """A prefix or suffix as it stands in a text whose characters and case are ignored."""
        affix = "".join(c for c in affix if c not in self.ignore_characters)
        return affix.lower() if self.ignore_case else affix


@dataclass(frozen=True)
class MatchRule:
    """One pass: a line and an entry are the same money where every key is equal.

    A key that more than one line or entry has is left alone, since pairing those by their order
    would be a guess. What may be made of such rows together is `groups`: `equal` takes as many
    equal lines as equal entries; `parts` takes one row and all those of the other side that add up
    to it, such as the captures of an order, and the same amounts of both, where each is there once;
    `sum` takes any number of both that add up to the same;
    `subset` looks among all rows with these keys for the one set that adds up to a single
    row of the other side. None of them needs a guess about who belongs to whom.

    With `amount` or `business_date` among the keys, tolerance and window say who is near enough to
    be a candidate, and only a candidate that is the only one, both ways, is taken. Otherwise they
    say which differences of a pair, found by its other keys, finance need not look at. Of a payout
    a rule with `tells_difference` finds the credit that came short, and lets nothing pass.
    """

    name: str
    keys: tuple[str, ...]
    kinds: frozenset[str] | None = None
    providers: frozenset[str] | None = None
    groups: Groups = "none"
    amount_tolerance: Tolerance | None = None
    date_window: DateWindow | None = None
    forms: tuple[tuple[str, KeyForm], ...] = ()
    tells_difference: bool = False

    @property
    def is_near(self) -> bool:
        """Candidates are those that are near, so that equality of keys alone does not find them."""
        return ("amount" in self.keys and self.amount_tolerance is not None) or (
            "business_date" in self.keys and self.date_window is not None
        )

    @property
    def equal_keys(self) -> tuple[str, ...]:
        """The keys that must be equal, as opposed to near."""
        near = {
            "amount": self.amount_tolerance is not None,
            "business_date": self.date_window is not None,
        }
        return tuple(key for key in self.keys if not near.get(key, False))

    def key(self, name: str) -> pl.Expr:
        """A key column as this rule reads it; a blank reference says nothing, so it is null."""
        form = dict(self.forms).get(name)
        if name not in REFERENCES and name != "payment_method":
            return pl.col(name)
        text = pl.col(name) if form is None else form.of(pl.col(name))
        return pl.when(text.str.len_bytes() > 0).then(text)


def compared_amounts(rules: Sequence[MatchRule]) -> pl.Expr:
    """Whether `amount` and `amount_ledger` count as equal by the rule numbered `pass`."""
    equal = pl.col("amount") == pl.col("amount_ledger")
    near = [
        (pl.col("pass") == number)
        & rule.amount_tolerance.allows(pl.col("amount"), pl.col("amount_ledger"))
        for number, rule in enumerate(rules, start=1)
        if rule.amount_tolerance is not None
    ]
    return pl.any_horizontal(equal, *near) if near else equal


def compared_dates(rules: Sequence[MatchRule], tolerance_days: int) -> pl.Expr:
    """Whether `business_date` and `business_date_ledger` are near enough by the rule's window, or
    by the account's tolerance where the rule has none."""
    line, entry = pl.col("business_date"), pl.col("business_date_ledger")
    usual = (line - entry).dt.total_days().abs() <= tolerance_days
    windows = [
        pl.when(pl.col("pass") == number).then(rule.date_window.allows(line, entry))
        for number, rule in enumerate(rules, start=1)
        if rule.date_window is not None
    ]
    return pl.coalesce(*windows, usual) if windows else usual
