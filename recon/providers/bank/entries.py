"""What the readers of bank statements share: entries and statements, and the frames made of them.

Bank statements are nested or made of tags, not tables, so they are read row by row in Python; from
here on they are frames. A bank's movement is a transfer by nature: charges and interest are told by
the bank's own codes, never by its words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from recon import money
from recon.providers import checks
from recon.providers.contract import Content, Place, ReadContext, Reading
from recon.tables import BALANCE, CONTROL_TOTAL, INSTANT

# What providers write into the remittance text of a payout, by which it is known at both ends.
_PAYOUT_REFERENCES = (
    r"\bTX[0-9A-Z]{8,20}XT\b",  # Adyen
    r"\bpo_[0-9A-Za-z]{10,}\b",  # Stripe
    r"\bWD-[0-9]{6,}\b",  # withdrawals that we number ourselves
)
_NO_REFERENCE = ("", "NONREF", "NOTPROVIDED")


@dataclass(frozen=True)
class Entry:
    """One booked or pending movement. `amount` is null where its text is no number."""

    line_no: int
    account: str
    booked_on: date | None
    currency: str
    amount: Decimal | None
    key: str  # tells the entry within its account
    kind: str = "transfer"
    status: str = "succeeded"
    bank_reference: str = ""
    reference: str = ""  # the one its parties gave it
    text: str = ""
    shown: str = ""  # of the amount, for a reject


@dataclass(frozen=True)
class BankStatement:
    """What one statement says of itself; several may be in a file."""

    account: str
    currency: str
    opening: Decimal | None
    closing: Decimal | None
    entries: tuple[Entry, ...]
    count: int | None = None  # of entries, where the statement states it
    totals: tuple[tuple[str, Decimal | None, Decimal], ...] = field(default=())
    opened_on: date | None = None  # of the balance before the first entry: the day before
    closed_on: date | None = None


_ROW = {
    "line_no": pl.UInt32(),
    "account": pl.String(),
    "business_date": pl.Date(),
    "occurred_at": INSTANT,
    "currency": pl.String(),
    "amount": money.MONEY,
    "key": pl.String(),
    "kind": pl.String(),
    "status": pl.String(),
    "txn_id": pl.String(),
    "merchant_ref": pl.String(),
    "description": pl.String(),
    "shown": pl.String(),
}


def reading(statements: Sequence[BankStatement], content: Content, context: ReadContext) -> Reading:
    """Frames of all statements of a file, for the account that was asked for."""
    zone = ZoneInfo(context.time_zone)
    rows = [_row(entry, zone) for statement in statements for entry in statement.entries]
    frame = pl.DataFrame(rows, schema=_ROW, orient="row").lazy()
    here = checks.here(frame, context, pl.col("account"), pl.col("business_date"))
    good, rejects = checks.split(here, _checks(context), content.file_id)
    lines = checks.to_lines(
        good.with_columns(
            gross=pl.when(pl.col("status") == "succeeded")
            .then("amount")
            .otherwise(money.ZERO),  # what is pending has moved nothing yet
            fee=money.ZERO,
            original_currency="currency",
            original_amount="amount",
            batch_id=pl.col("business_date").cast(pl.String),
            payment_method=pl.lit("bank"),
        ),
        "bank",
        content.file_id,
        key=["key"],
    )
    ours = [s for s in statements if context.account in (None, s.account)]
    ends = [end for one in ours for end in _ends(one, context)]
    return Reading(
        lines=lines,
        rejects=rejects,
        controls=_controls(statements, content).lazy(),
        balances=_balances(ends).lazy(),
    )


def _row(entry: Entry, zone: ZoneInfo) -> tuple[object, ...]:
    day = entry.booked_on
    reference = "" if entry.reference in _NO_REFERENCE else entry.reference
    return (
        entry.line_no,
        entry.account,
        day,
        None if day is None else datetime.combine(day, time(), zone),
        entry.currency,
        entry.amount,
        entry.key,
        entry.kind,
        entry.status,
        entry.bank_reference or None,
        payout_reference(f"{reference} {entry.text}") or reference or None,
        entry.text or None,
        entry.shown,
    )


def payout_reference(text: str) -> str | None:
    """The reference of a provider's payout in a remittance text, which banks wrap anywhere."""
    for candidate in (text, re.sub(r"\s", "", text)):
        for pattern in _PAYOUT_REFERENCES:
            if found := re.search(pattern, candidate):
                return found[0]
    return None


def _checks(context: ReadContext) -> list[checks.Check]:
    amount, currency = pl.col("amount"), pl.col("currency")
    found = [
        checks.Check("amount", pl.col("shown"), amount.is_not_null(), "not an amount"),
        checks.Check(
            "currency",
            currency,
            money.fits(amount, currency),
            "not a currency, or the amount has more decimals than it has",
        ),
        checks.Check("kind", pl.col("shown"), pl.col("kind") != "", "unknown type code", True),
        checks.Check(
            "date", pl.lit(None), pl.col("business_date").is_not_null(), "no booking date"
        ),
    ]
    return found + checks.placed(
        context, ("account", pl.col("account")), ("date", pl.col("business_date"))
    )


def _controls(statements: Sequence[BankStatement], content: Content) -> pl.DataFrame:
    """Opening balance and booked entries against the closing balance, and what else is stated."""
    rows: list[tuple[object, ...]] = []
    for number, one in enumerate(statements, start=1):
        name = f"statement {number}" if len(statements) > 1 else "statement"
        booked = [
            entry.amount
            for entry in one.entries
            if entry.amount is not None
            and entry.status == "succeeded"
            and entry.currency == one.currency
        ]
        rows += [(content.file_id, f"{name} {title}", one.currency, stated, computed)
                 for title, stated, computed in one.totals]  # fmt: skip
        if one.opening is not None and one.closing is not None:
            reached = one.opening + sum(booked, Decimal(0))
            rows.append(
                (content.file_id, f"{name} closing balance", one.currency, one.closing, reached)
            )
        elif not one.totals:
            total = sum(booked, Decimal(0))
            rows.append((content.file_id, f"{name} closing balance", one.currency, None, total))
        if one.count is not None:
            stated, counted = Decimal(one.count), Decimal(len(one.entries))
            rows.append((content.file_id, f"{name} entries", None, stated, counted))
    return pl.DataFrame(rows, schema=dict(CONTROL_TOTAL), orient="row")


def _ends(one: BankStatement, context: ReadContext) -> list[tuple[str, Decimal, Decimal | None]]:
    """(currency, opening, closing) of the part of a statement that is read.

    Of a statement of several days, a day opens with what the entries before it have come to.
    """
    days = context.business_dates
    if one.opening is None:
        return []
    if not context.elsewhere or days is None:
        return [(one.currency, one.opening, one.closing)]
    booked = [
        (entry.booked_on, entry.amount)
        for entry in one.entries
        if entry.booked_on is not None
        and entry.amount is not None
        and entry.status == "succeeded"
        and entry.currency == one.currency
    ]
    dates = {day for day, _ in booked} | ({one.closed_on} if one.closed_on else set())
    if not any(day in days for day in dates):
        return []
    opening = one.opening + sum((amount for day, amount in booked if day < days.first), Decimal(0))
    moved = sum((amount for day, amount in booked if day in days), Decimal(0))
    return [(one.currency, opening, opening + moved)]


def _balances(ends: Sequence[tuple[str, Decimal, Decimal | None]]) -> pl.DataFrame:
    """The first opening and the last closing balance of each currency."""
    return (
        pl.DataFrame(ends, schema=dict(BALANCE), orient="row")
        .group_by("currency", maintain_order=True)
        .agg(pl.col("opening").first(), pl.col("closing").last())
    )


def places(statements: Sequence[BankStatement]) -> frozenset[Place]:
    """The accounts and days of a file: those a statement closes, and those between its opening and
    its closing balance on which anything was booked."""
    found = set()
    for one in statements:
        last = one.closed_on
        if not one.account or last is None:
            continue
        after = one.opened_on or last
        days = {entry.booked_on for entry in one.entries if entry.booked_on is not None}
        found |= {Place(one.account, day) for day in days if after < day < last}
        found.add(Place(one.account, last))
    return frozenset(found)


def text_of(content: Content) -> str:
    """The whole statement, which is read as UTF-8."""
    if isinstance(content.scannable, bytes):
        return content.scannable.decode("utf-8-sig")
    lines = pl.read_csv(
        content.scannable, has_header=False, separator="\x01", quote_char=None,
        schema={"text": pl.String()}, empty_string_is_null=False,
    )["text"]  # fmt: skip
    return "\n".join(lines.to_list())
