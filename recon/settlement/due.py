"""What a provider has to pay out by its settlement cycle, and whether it does when it is due.

What a day has earned is due as a whole, on a day of the cycle, and is carried as an open item until
then. Where the statement tells payouts, what is paid is held against what is due: a difference is
told once, and what is left of it is carried on as one item, which the money that comes later, or is
kept back for it, clears. Where only the bank tells them, what is due is sent on its way as a payout
of ours, and is received, or missed, as every other one (see `recon.receipts`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import polars as pl

from recon.discrepancies import Day, complete
from recon.money import MONEY, display
from recon.sentences import SENTENCES
from recon.settings import AccountSettings
from recon.settlement.cycles import BusinessDays, Cycle, is_payable
from recon.settlement.payouts import PAYING, receiver
from recon.tables import DISCREPANCY, OPEN_ITEM, PAYOUT, Schema, empty
from recon.wording import words

SIDE: Final = "due"  # of an OPEN_ITEM
_NOTHING: Final = Decimal(0)
_ONE_DAY: Final = timedelta(days=1)
_NAMED: Final = 5  # days that are told one by one

EXPECTED: Final[Schema] = {"currency": pl.String(), "expected_payout": MONEY}


@dataclass(frozen=True)
class PayoutTerms:
    """How an account is paid out by contract. What was earned before `first` is not known."""

    cycle: Cycle
    first: date
    days: BusinessDays = field(default_factory=BusinessDays)
    minimum: Mapping[str, Decimal] = field(default_factory=dict)
    payouts_on: Literal["statement", "bank"] = "statement"  # what tells them
    reference: str | None = None  # what the bank says of one, with `{date}`, the day it is due

    def due_on(self, earned_on: date) -> date:
        return self.cycle.pays_on(earned_on, self.days)

    def knows(self, due_on: date) -> bool:
        """Whether all that is paid on a day was earned on days that are known."""
        return due_on > self.due_on(self.first - _ONE_DAY)

    def rolled(self, items: Iterable["Due"], after: date) -> list["Due"]:
        """What is not enough to be paid out, or less than nothing, waits for the next day."""
        on = self.cycle.next_after(after, self.days)
        return [replace(item, due_on=on) for item in items]


@dataclass(frozen=True)
class Due:
    """What one day has earned in a currency, or what is left of a difference that was told."""

    item_id: str
    earned_on: date
    due_on: date
    amount: Decimal
    is_told: bool = False
    is_whole: bool = True  # False: not all lines of the day were there, so the amount is not final


@dataclass(frozen=True)
class Dues:
    """What is still due after a day, what was sent on its way, and what was not paid as agreed."""

    left: pl.DataFrame = field(default_factory=lambda: empty(OPEN_ITEM))
    payouts: pl.DataFrame = field(default_factory=lambda: empty(PAYOUT))
    discrepancies: pl.DataFrame = field(default_factory=lambda: empty(DISCREPANCY))
    expected: pl.DataFrame = field(default_factory=lambda: empty(EXPECTED))  # was due on the day


@dataclass(frozen=True)
class _Outcome:
    """What becomes of one currency."""

    left: list[Due]
    expected: Decimal | None = None  # None: nobody can say
    payouts: Sequence[dict[str, Any]] = ()
    found: Sequence[dict[str, Any]] = ()


def dues(
    lines: pl.LazyFrame,
    carried: pl.DataFrame,
    account: AccountSettings,
    terms: PayoutTerms | None,
    day: Day,
    *,
    is_whole: bool,
) -> Dues:
    """STATEMENT_LINE of a day and OPEN_ITEM of the day before -> Dues; nothing without terms.

    Where `is_whole` is False, lines of the day are missing or were not understood: what is due and
    not paid waits for the next day, and what the day has earned is not judged when it is paid; as
    a payout of ours it is not sent before the day is run again.
    """
    if terms is None:
        return Dues()
    moved = {row["currency"]: row for row in _moved(lines).iter_rows(named=True)}
    before = carried.filter(side=SIDE)
    outcomes = {}
    for currency in sorted({*moved, *before["currency"]}):
        of_day = moved.get(currency, {})
        earned, paid = of_day.get("earned", _NOTHING), of_day.get("paid", _NOTHING)
        items = [_read(row) for row in before.filter(currency=currency).iter_rows(named=True)]
        if earned or not is_whole:
            items.append(_earned(earned, currency, terms, day, is_whole=is_whole))
        items.sort(key=lambda item: (item.due_on, item.item_id))
        one = _Currency(currency, terms, account, day)
        if terms.payouts_on == "bank":
            outcomes[currency] = one.sent(items)
        else:
            outcomes[currency] = one.judged(items, paid, is_whole=is_whole)
    return _together(outcomes, day)


def _moved(lines: pl.LazyFrame) -> pl.DataFrame:
    """currency, earned, and paid: what left the balance for the bank, with what that cost."""
    is_paid = pl.col("kind").is_in(PAYING)
    return (
        lines.group_by("currency")
        .agg(
            earned=pl.col("net").filter(~is_paid).sum(),
            paid=-pl.col("net").filter(is_paid).sum(),
        )
        .collect(engine="streaming")
    )


def _read(row: Mapping[str, Any]) -> Due:
    return Due(
        item_id=row["item_id"],
        earned_on=row["business_date"],
        due_on=row["due_on"],
        amount=row["amount"],
        is_told=row["state"] == "overdue",
        is_whole=row["status"] != "pending",
    )


def _earned(amount: Decimal, currency: str, terms: PayoutTerms, day: Day, *, is_whole: bool) -> Due:
    on = day.business_date
    name = f"{day.provider}:{day.account}:earned:{currency}:{on}"
    return Due(name, on, terms.due_on(on), amount, is_whole=is_whole)


@dataclass(frozen=True)
class _Currency:
    """One currency of an account and a day."""

    currency: str
    terms: PayoutTerms
    account: AccountSettings
    day: Day

    def judged(self, items: list[Due], paid: Decimal, *, is_whole: bool) -> _Outcome:
        """What was paid by the statement against what was due."""
        today = self.day.business_date
        told = [item for item in items if item.is_told]
        due = [item for item in items if not item.is_told and item.due_on <= today]
        later = [item for item in items if not item.is_told and item.due_on > today]
        if not self.terms.knows(today) or not all(item.is_whole for item in due):
            return _Outcome([*told, *later])
        waiting = []
        if not self.is_enough(due):
            due, waiting = [], self.terms.rolled(due, today) if _sum(due) else []
        expected = _sum(due)
        left = [*later, *waiting]
        taken = _making_up(told, paid - expected)
        if taken is not None:
            return _Outcome([*_without(told, taken), *left], expected)
        if not is_whole:
            put_off = [replace(item, due_on=today + _ONE_DAY) for item in due]
            return _Outcome([*told, *put_off, *left])
        # What was told before may have come instead of what is due now.
        late = _making_up(told, paid) if paid else None
        if late is not None:
            told, paid = _without(told, late), _NOTHING
        rest = Due(self.name(today), today, today, expected - paid, is_told=True)
        found = self.difference(rest, due, waiting or later, expected, paid)
        return _Outcome([*told, rest, *left], expected, found=[found])

    def sent(self, items: list[Due]) -> _Outcome:
        """What is due as payouts, each as soon as nothing more can be due on its day. A payout that
        has a day in it which is not whole is not known, and waits until that day is run again; one
        that no bank account is named for nobody would see arriving, so it is told instead."""
        is_seen = receiver(self.account, self.currency) is not None
        made: list[dict[str, Any]] = []
        found: list[dict[str, Any]] = []
        unknown: list[Due] = []
        told = [item for item in items if item.is_told]
        items = [item for item in items if not item.is_told]
        still_earning = self.terms.due_on(self.day.business_date + _ONE_DAY)
        for on in sorted({item.due_on for item in items if item.due_on < still_earning}):
            due = [item for item in items if item.due_on <= on]
            items = [item for item in items if item.due_on > on]
            if not self.terms.knows(on):
                continue
            if not all(item.is_whole for item in due):
                unknown += due
            elif self.is_enough(due) and is_seen:
                made.append(self.payout(due, on))
            elif self.is_enough(due):
                unseen = Due(self.name(on), on, on, _sum(due), is_told=True)
                told.append(unseen)
                found.append(self.row(unseen, "payout_unseen", due, _sum(due), _NOTHING))
            elif _sum(due):
                items += self.terms.rolled(due, on)
        expected = sum((row["amount"] for row in made), _NOTHING)
        expected += sum((row["amount_ledger"] for row in found), _NOTHING)
        return _Outcome([*told, *unknown, *items], expected, payouts=made, found=found)

    def is_enough(self, due: list[Due]) -> bool:
        return is_payable(_sum(due), self.terms.minimum.get(self.currency, _NOTHING))

    def name(self, due_on: date) -> str:
        return f"{self.day.provider}:{self.day.account}:due:{self.currency}:{due_on}"

    def payout(self, due: list[Due], on: date) -> dict[str, Any]:
        reference = self.terms.reference
        return {
            "payout_id": self.name(on),
            "provider": self.day.provider,
            "account": self.day.account,
            "pays_into": receiver(self.account, self.currency),
            "kind": "payout",
            "business_date": on,
            "due_on": on + timedelta(days=self.account.payout_window_days),
            "merchant_ref": None if reference is None else reference.format(date=on),
            "currency": self.currency,
            "amount": _sum(due),
            "arithmetic": self.arithmetic(due),
        }

    def difference(
        self, rest: Due, due: list[Due], later: list[Due], expected: Decimal, paid: Decimal
    ) -> dict[str, Any]:
        """A row of DISCREPANCY, named by the item that is left of it."""
        phrase = "payout_unequal" if paid else "payout_not_made"
        next_on = min((item.due_on for item in later), default=None)
        if not due:
            phrase = "payout_early" if next_on else "payout_of_nothing"
        if paid < 0:
            phrase = "payout_returned_and_due" if due else "payout_returned"
        told = due or [one for one in later if one.due_on == next_on]
        return self.row(rest, phrase, told, expected, paid, next=next_on)

    def row(
        self,
        rest: Due,
        phrase: str,
        items: list[Due],
        expected: Decimal,
        paid: Decimal,
        **gaps: date | None,
    ) -> dict[str, Any]:
        """A row of DISCREPANCY in the words of a phrase, with the arithmetic of items."""
        figures = {"expected": expected, "paid": paid, "difference": paid - expected}
        figures["returned"] = -paid
        shown = {name: display(amount, self.currency) for name, amount in figures.items()}
        said = words(SENTENCES, self.day.language)[phrase].format(
            cycle=self.terms.cycle.text,
            day=rest.due_on,
            currency=self.currency,
            arithmetic=self.arithmetic(items),
            **gaps,
            **shown,
        )
        return {
            "discrepancy_id": f"payout:{rest.item_id}",
            "type": "payout_mismatch",
            "currency": self.currency,
            "amount_ledger": expected,
            "amount_provider": paid,
            "rule": self.terms.cycle.text,
            "explanation": said,
        }

    def arithmetic(self, items: list[Due]) -> str:
        """`87.20 (2026-11-18) - 12.80 (2026-11-19) = 74.40`, in no language."""
        if len(items) > _NAMED:
            days = [item.earned_on for item in items]
            return f"{self.figure(_sum(items))} ({min(days)} ... {max(days)})"
        parts = ""
        for item in items:
            sign = "-" if item.amount < 0 else "+"
            parts += f" {sign} {self.figure(abs(item.amount))} ({item.earned_on})"
        text = parts.removeprefix(" + ").strip()
        return text if len(items) == 1 else f"{text} = {self.figure(_sum(items))}"

    def figure(self, amount: Decimal) -> str:
        return display(amount, self.currency).rpartition(" ")[0]


def _making_up(told: list[Due], amount: Decimal) -> list[Due] | None:
    """Items that were told and make up an amount: as many of the oldest as do, or a single one.

    None: no such items; an empty list makes up nothing at all.
    """
    for count in range(len(told), -1, -1):
        if _sum(told[:count]) == amount:
            return told[:count]
    return next(([item] for item in told if item.amount == amount), None)


def _without(items: list[Due], taken: list[Due]) -> list[Due]:
    return [item for item in items if item not in taken]


def _sum(items: Iterable[Due]) -> Decimal:
    return sum((item.amount for item in items), _NOTHING)


def _together(outcomes: Mapping[str, _Outcome], day: Day) -> Dues:
    left = [
        {
            "side": SIDE,
            "item_id": item.item_id,
            "kind": "payout",
            "business_date": item.earned_on,
            "due_on": item.due_on,
            "currency": currency,
            "amount": item.amount,
            "status": None if item.is_whole else "pending",
            "state": "overdue" if item.is_told else "open",
        }
        for currency, one in outcomes.items()
        for item in one.left
    ]
    sent = [row for one in outcomes.values() for row in one.payouts]
    found = [row for one in outcomes.values() for row in one.found]
    expected = [
        {"currency": currency, "expected_payout": one.expected}
        for currency, one in outcomes.items()
        if one.expected is not None
    ]
    return Dues(
        _frame(left, OPEN_ITEM).sort("item_id"),
        _frame(sent, PAYOUT).sort("payout_id"),
        complete(_frame(found, DISCREPANCY), day) if found else empty(DISCREPANCY),
        _frame(expected, EXPECTED),
    )


def _frame(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in schema}, schema=dict(schema)
    )
