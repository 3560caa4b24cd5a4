"""What the readers of bank statements share: entries and statements, and the frames made of them.

A reader takes a file apart into the statements in it and one frame of all their entries; from here
on the three formats are one. A bank's movement is a transfer by nature: charges and interest are
told by the bank's own codes, never by its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from recon import money
from recon.providers import checks
from recon.providers.contract import Content, Place, ReadContext, Reading
from recon.tables import BALANCE, CONTROL_TOTAL

# What providers write into the remittance text of a payout, by which it is known at both ends.
_PAYOUT_REFERENCES: Final = (
    r"TX[0-9A-Z]{8,20}XT",  # Adyen
    r"po_[0-9A-Za-z]{10,}",  # Stripe
    r"WD-[0-9]{6,}",  # withdrawals that we number ourselves
)
_PAYOUT_REFERENCE: Final = rf"\b({'|'.join(_PAYOUT_REFERENCES)})\b"
_NO_REFERENCE: Final = ("", "NONREF", "NOTPROVIDED")


def short_date(text: str) -> date | None:
    """A day as YYMMDD; None for one that is none: some banks count thirty days in February."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


# One booked or pending movement; blank texts are "".
ENTRY: Final = {
    "statement": pl.UInt32(),  # the place of its statement in the file, from 0
    "number": pl.UInt32(),  # of the entry; the details of one entry share it
    "line_no": pl.UInt32(),
    "booked_on": pl.Date(),
    "currency": pl.String(),
    "amount": money.MONEY,  # null where its text is no number
    "key": pl.String(),  # tells the entry within its account
    "kind": pl.String(),  # "" for a code nobody has mapped
    "status": pl.String(),
    "bank_reference": pl.String(),
    "reference": pl.String(),  # the one its parties gave it
    "text": pl.String(),
    "shown": pl.String(),  # of the amount, for a reject
}


@dataclass(frozen=True)
class BankStatement:
    """What one statement says of itself; several may be in a file."""

    account: str
    currency: str
    opening: Decimal | None
    closing: Decimal | None
    opened_on: date | None = None  # of the balance before the first entry: the day before
    closed_on: date | None = None
    count: int | None = None  # of entries, where the statement states it
    # The stated sum of all amounts without a sign, and what of it are balances.
    control: tuple[Decimal | None, Decimal] | None = None


@dataclass(frozen=True)
class BankFile:
    """A file taken apart. `entries` is ENTRY."""

    statements: tuple[BankStatement, ...]
    entries: pl.DataFrame

    def with_owners(self) -> pl.DataFrame:
        """ENTRY with `account`, and `own_currency`: that of its statement."""
        facts = [(place, s.account, s.currency) for place, s in enumerate(self.statements)]
        schema = {"statement": pl.UInt32, "account": pl.String, "own_currency": pl.String}
        owners = pl.DataFrame(facts, schema=schema, orient="row")
        return self.entries.join(
            owners, on="statement", how="left", validate="m:1", maintain_order="left"
        )


_BOOKED: Final = (
    pl.col("amount").is_not_null()
    & (pl.col("status") == "succeeded")
    & (pl.col("currency") == pl.col("own_currency"))
)


def reading(file: BankFile, content: Content, context: ReadContext) -> Reading:
    """Frames of all statements of a file, for the account that was asked for."""
    entries = file.with_owners()
    found = _checks(context)
    rows = checks.judged(_typed(entries.lazy(), context), found)
    here = checks.here(rows, context, pl.col("account"), pl.col("business_date"))
    good, rejects = checks.parts(here, found, content.file_id)
    lines = checks.to_lines(
        good.with_columns(
            gross=pl.when(pl.col("status") == "succeeded")
            .then("amount")
            .otherwise(money.ZERO),  # what is pending has moved nothing yet
            fee=money.ZERO,
            original_currency="currency",
            original_amount="amount",
            batch_id=checks.day_text(pl.col("business_date"), context.business_dates),
            payment_method=pl.lit("bank"),
        ),
        "bank",
        content.file_id,
        key=["key"],
    )
    return Reading(
        lines=lines,
        rejects=rejects,
        controls=_controls(file, entries, content).lazy(),
        balances=_balances(file, entries, context).lazy(),
    )


def _typed(entries: pl.LazyFrame, context: ReadContext) -> pl.LazyFrame:
    reference = pl.col("reference")
    ours = pl.when(~reference.is_in(_NO_REFERENCE)).then(reference)
    said = pl.concat_str([ours.fill_null(""), "text"], separator=" ")
    midnight = pl.col("booked_on").cast(pl.Datetime("us"))
    return entries.select(
        "line_no",
        "account",
        "currency",
        "amount",
        "key",
        "kind",
        "status",
        "shown",
        business_date="booked_on",
        occurred_at=checks.instant(midnight, context.time_zone, context.business_dates),
        txn_id=checks.blank_as_null("bank_reference"),
        merchant_ref=pl.coalesce(payout_reference(said), ours),
        description=checks.blank_as_null("text"),
    )


def payout_reference(text: pl.Expr) -> pl.Expr:
    """The first reference of a payout of a provider in a text, which banks wrap anywhere."""
    candidates = (text, text.str.replace_all(r"\s", ""))
    return pl.coalesce(candidate.str.extract(_PAYOUT_REFERENCE) for candidate in candidates)


def one_line(text: pl.Expr) -> pl.Expr:
    """A text with every run of white space as one blank; those that are one are left as they are,
    which takes half the time."""
    return text.str.replace_all(r" \s+|[^\S ]\s*", " ").str.strip_chars()


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


def _controls(file: BankFile, entries: pl.DataFrame, content: Content) -> pl.DataFrame:
    """Opening balance and booked entries against the closing balance, and what else is stated."""
    sums = entries.group_by("statement").agg(
        pl.col("amount").filter(_BOOKED).sum(),
        absolute=pl.col("amount").abs().sum(),
        count=pl.col("number").n_unique(),
    )
    by_statement = {place: row for place, *row in sums.iter_rows()}
    rows: list[tuple[object, ...]] = []
    for place, one in enumerate(file.statements):
        name = f"statement {place + 1}" if len(file.statements) > 1 else "statement"
        booked, absolute, count = by_statement.get(place, (Decimal(0), Decimal(0), 0))
        if one.control is not None:
            stated, balances = one.control
            title = f"{name} control total"
            rows.append((content.file_id, title, one.currency, stated, balances + absolute))
        title = f"{name} closing balance"
        if one.opening is not None and one.closing is not None:
            reached = one.opening + booked
            rows.append((content.file_id, title, one.currency, one.closing, reached))
        elif one.control is None:
            rows.append((content.file_id, title, one.currency, None, booked))
        if one.count is not None:
            counts = (Decimal(one.count), Decimal(count))
            rows.append((content.file_id, f"{name} entries", None, *counts))
    return pl.DataFrame(rows, schema=dict(CONTROL_TOTAL), orient="row")


def _balances(file: BankFile, entries: pl.DataFrame, context: ReadContext) -> pl.DataFrame:
    """The first opening and the last closing balance of each currency.

    Of a statement of several days, a day opens with what the entries before it have come to.
    """
    booked = entries.filter(_BOOKED).group_by("statement", "booked_on").agg(pl.col("amount").sum())
    ends = []
    for place, one in enumerate(file.statements):
        if one.opening is None or context.account not in (None, one.account):
            continue
        days = context.business_dates
        if not context.elsewhere or days is None:
            ends.append((one.currency, one.opening, one.closing))
            continue
        moved = booked.filter(statement=place).select("booked_on", "amount").drop_nulls().rows()
        if any(day in days for day in [one.closed_on, *(day for day, _ in moved)] if day):
            opening = one.opening + sum(amount for day, amount in moved if day < days.first)
            closing = opening + sum(amount for day, amount in moved if day in days)
            ends.append((one.currency, opening, closing))
    return (
        pl.DataFrame(ends, schema=dict(BALANCE), orient="row")
        .group_by("currency", maintain_order=True)
        .agg(pl.col("opening").first(), pl.col("closing").last())
    )


def places(file: BankFile) -> frozenset[Place]:
    """The accounts and days of a file: those a statement closes, and those between its opening and
    its closing balance on which anything was booked."""
    days = dict(file.entries.group_by("statement").agg(pl.col("booked_on").unique()).iter_rows())
    found = set()
    for number, one in enumerate(file.statements):
        last = one.closed_on
        if not one.account or last is None:
            continue
        after = one.opened_on or last
        booked: Sequence[date | None] = days.get(number, ())
        found |= {Place(one.account, day) for day in booked if day and after < day < last}
        found.add(Place(one.account, last))
    return frozenset(found)
