"""A journal as text: Beancount, hledger, and the table of a CSV file.

Amounts are plain decimal text, so nothing is rounded; both programs are told that a point is a
decimal point and that balances have to agree to the last digit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import polars as pl

from recon.book_tables import PROPOSED_ENTRY
from recon.errors import UserError
from recon.journal.accounts import Chart
from recon.money import MONEY, ZERO, to_display
from recon.tables import Schema, conform

Format = Literal["csv", "beancount", "hledger"]

# A posting as an accountant's import takes it: one of debit and credit is filled.
JOURNAL_ROW: Final[Schema] = {
    "business_date": pl.Date(),
    "transaction_id": pl.String(),
    "ledger_account": pl.String(),
    "currency": pl.String(),
    "debit": MONEY,
    "credit": MONEY,
    "memo": pl.String(),
    "provider": pl.String(),
    "account": pl.String(),
    "batch_id": pl.String(),
    "kind": pl.String(),
}

# A balance that must be there at the end of a day, from another source than the postings.
ASSERTION: Final[Schema] = {
    "business_date": pl.Date(),
    "ledger_account": pl.String(),
    "currency": pl.String(),
    "amount": MONEY,
}


@dataclass(frozen=True)
class Journal:
    """Postings with their accounts, and the balances that must follow from them."""

    rows: pl.DataFrame  # JOURNAL_ROW
    assertions: pl.DataFrame  # ASSERTION


def journal_rows(postings: pl.DataFrame, chart: Chart) -> pl.DataFrame:
    """POSTING -> JOURNAL_ROW, in the order of the days."""
    named = chart.named(postings, "role", "ledger_account")
    return (
        named.group_by(
            "transaction_id",
            "ledger_account",
            "currency",
            pl.col("amount") > ZERO,
            maintain_order=True,
        )
        .agg(
            pl.col("amount").sum().alias("sum"),
            pl.col("business_date", "provider", "account", "batch_id", "kind", "memo").first(),
        )
        .with_columns(
            debit=pl.when(pl.col("sum") > ZERO).then("sum"),
            credit=pl.when(pl.col("sum") < ZERO).then(-pl.col("sum")),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in JOURNAL_ROW.items())
        .sort("business_date", "transaction_id", pl.col("debit").is_null(), "ledger_account")
    )


def proposed_rows(proposed: pl.DataFrame, chart: Chart) -> pl.DataFrame:
    """PROPOSED_ENTRY with the names of the accounts instead of their roles."""
    for side in ("debit", "credit"):
        named = chart.named(proposed, side, f"{side}_account")
        proposed = named.drop(side).rename({f"{side}_account": side})
    return conform(proposed, PROPOSED_ENTRY).sort("discrepancy_id")


def beancount_text(journal: Journal) -> str:
    """A whole Beancount file. Errors: UserError for an account name Beancount does not take."""
    accounts = sorted({*journal.rows["ledger_account"], *journal.assertions["ledger_account"]})
    wrong = [name for name in accounts if not _BEANCOUNT_ACCOUNT.fullmatch(name)]
    if wrong:
        raise UserError(
            f"Beancount takes no account {wrong[0]!r}; begin it with one of {', '.join(_ROOTS)}, "
            "and each part after a colon with a capital letter or digit: in [journal.accounts], or "
            "where it was written off"
        )
    first = _first_day(journal)
    parts = [f"{first} open {account}" for account in accounts]
    for header, rows in _transactions(journal.rows):
        day, text, number = header
        parts.append(f'\n{day} * "{_quoted(text)}"\n  transaction: "{_quoted(number)}"')
        parts += [f"  {account}  {amount} {currency}" for account, amount, currency in rows]
    parts.append("")
    parts += [
        # A balance is that of the morning, and without `~ 0` a last digit would be forgiven.
        f"{day + timedelta(days=1)} balance {account}  {amount} ~ 0 {currency}"
        for day, account, currency, amount in _plain(journal.assertions)
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def hledger_text(journal: Journal) -> str:
    """A whole hledger journal."""
    parts = ["decimal-mark ."]
    for header, rows in _transactions(journal.rows):
        day, text, number = header
        parts.append(f"\n{day} * {_one_line(text)}  ; transaction: {_one_line(number)}")
        parts += [
            f"    {account}  {amount} {_commodity(currency)}" for account, amount, currency in rows
        ]
    for day, asserted in _by_day(journal.assertions):
        parts.append(f"\n{day} * closing balances")
        parts += [
            f"    {account}  0 {code} = {amount} {code}"
            for account, code, amount in (
                (account, _commodity(currency), amount) for account, currency, amount in asserted
            )
        ]
    return "\n".join(parts) + "\n"


_ROOTS: Final = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
_BEANCOUNT_ACCOUNT: Final = re.compile(rf"({'|'.join(_ROOTS)})(:[A-Z0-9][A-Za-z0-9-]*)+")


def _transactions(
    rows: pl.DataFrame,
) -> Iterator[tuple[tuple[object, str, str], list[tuple[str, str, str]]]]:
    signed = rows.with_columns(
        amount=to_display(
            pl.col("debit").fill_null(ZERO) - pl.col("credit").fill_null(ZERO), pl.col("currency")
        )
    )
    for (number,), part in signed.group_by("transaction_id", maintain_order=True):
        head = part.row(0, named=True)
        whose = f"{head['provider']} {head['account']}: {head['memo']}"
        yield (
            (head["business_date"], whose, str(number)),
            part.select("ledger_account", "amount", "currency").rows(),
        )


def _plain(assertions: pl.DataFrame) -> list[tuple[date, str, str, str]]:
    in_order = assertions.sort("business_date", "ledger_account", "currency")
    return (
        in_order.with_columns(to_display(pl.col("amount"), pl.col("currency")))
        .select(list(ASSERTION))
        .rows()
    )


def _by_day(assertions: pl.DataFrame) -> Iterator[tuple[object, list[tuple[str, str, str]]]]:
    plain = pl.DataFrame(_plain(assertions), schema=list(ASSERTION), orient="row")
    for (day,), part in plain.group_by("business_date", maintain_order=True):
        yield day, part.select("ledger_account", "currency", "amount").rows()


def _first_day(journal: Journal) -> object:
    days = pl.concat([journal.rows["business_date"], journal.assertions["business_date"]])
    return days.min()


def _commodity(currency: str) -> str:
    """hledger takes letters as they are; anything else goes in quotes."""
    return currency if currency.isalpha() else f'"{currency}"'


def _quoted(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _one_line(text: str) -> str:
    return re.sub(r"[\s;|]+", " ", text)
