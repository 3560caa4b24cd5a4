"""What a day's statement, ledger, differences, payouts and receipts are as postings.

A debit is positive. The statement's side of a movement goes through the clearing account of the
provider account to its balance and its fees, the ledger's side from there to income or wherever it
is booked. So what stays on the clearing account is what only one side has: the open items. What is
on both sides and differs goes on to `suspense`, what a rule tolerates to `rounding`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import polars.selectors as cs

from recon.book_tables import POSTING
from recon.discrepancies import Day, sentence
from recon.errors import ensure
from recon.journal.accounts import ROLE_BY_KIND
from recon.journal.phrases import memo
from recon.money import MONEY, ZERO
from recon.tables import Schema, conform, empty

_MOVING_OUT: Final = ("payout", "payout_reversal", "withdrawal", "withdrawal_reversal")
ITEM: Final = "item"  # the line or entry that a transaction is, where each is one
_ANY_POSTING: Final[Schema] = {**POSTING, ITEM: pl.String()}
_LABELS: Final = ("batch_id", "kind", "currency")


@dataclass(frozen=True)
class Movements:
    """What a day has moved, and what of it is still open."""

    lines: pl.LazyFrame  # STATEMENT_LINE
    entries: pl.LazyFrame  # LEDGER_ENTRY
    before: pl.DataFrame  # OPEN_ITEM the day began with, without what was written off
    after: pl.DataFrame  # OPEN_ITEM it has left
    conservation: pl.DataFrame  # CONSERVATION
    payouts: pl.DataFrame  # PAYOUT
    receipts: pl.DataFrame  # RECEIPT
    written_off: pl.DataFrame  # what is `given_up`
    fees: pl.DataFrame  # FEE_SUMMARY
    exchanged: pl.DataFrame  # currency, difference: what conversions gave beside the reference rate


def postings(moved: Movements, day: Day) -> pl.DataFrame:
    """POSTING of a day, in summary: one transaction a batch, kind and currency.

    Errors: BrokenInvariantError when the clearing account would not be left with the open items.
    """
    facts = [
        summed_lines(moved.lines, _LABELS),
        summed_entries(moved.entries, moved.before, ("kind", "currency")),
    ]
    stated, booked = pl.collect_all(facts, engine="streaming")
    went = moved.conservation.filter(pl.col("outcome") != "input")
    _ensure_complete(stated, booked, moved.before, went)
    settled = _settled(went, moved.after)
    here = pl.lit(day.account).alias("pays_into")
    received = _summed(moved.receipts.with_columns(here), *_RECEIVED)
    parts = [
        of_lines(stated),
        of_entries(booked),
        _both("tax", _taxes(moved.fees), tax="charged", cost="-charged"),
        _both("exchange", moved.exchanged, conversion="difference", fx="-difference"),
        _both("tolerance", settled, clearing="residual", rounding="-residual"),
        _both("difference", settled, clearing="-disputed", suspense="disputed"),
        _both("booking", _unbooked(moved), unbooked="amount", balance="-amount"),
        _both("payout", _sent(moved.payouts), in_transit="amount", source="-amount"),
        _both("receipt", received, transfers="credited", bank_charges="bank_fee",
              in_transit="-payout_amount"),
        _both("write_off", moved.written_off.with_columns(here), held="-amount", booked="amount"),
    ]  # fmt: skip
    made = [part for part in parts if part.height]
    if not made:
        return empty(POSTING)
    return named(pl.concat(made, how="diagonal"), day, _LABELS)


_RECEIVED: Final = ("credited", "bank_fee", "payout_amount")


def _unbooked(moved: Movements) -> pl.DataFrame:
    """Per currency, what the lines are more than the balance has moved by: the open items of it."""
    signed = [
        items.filter(side="booking").select("currency", amount=sign * pl.col("amount"))
        for items, sign in ((moved.after, 1), (moved.before, -1))
    ]
    return pl.concat(signed).group_by("currency").agg(pl.col("amount").sum()).sort("currency")


def _sent(payouts: pl.DataFrame) -> pl.DataFrame:
    """Payouts by what they are taken from: where a line of the statement tells them, that and its
    entry have moved them to `transfers`; what only the cycle tells is still on the balance."""
    by_cycle = pl.col("arithmetic").is_not_null()
    source = pl.when(by_cycle).then(pl.lit("balance")).otherwise(pl.lit("transfers"))
    return _summed(payouts.with_columns(source_role=source), "amount")


def summed_lines(lines: pl.LazyFrame, labels: Sequence[str]) -> pl.LazyFrame:
    """Lines by labels, with the account that their fees are booked on."""
    is_out = pl.col("kind").is_in(_MOVING_OUT)
    return (
        lines.group_by(labels)
        .agg(pl.col("gross", "net").sum())
        .with_columns(fee=pl.col("gross") - pl.col("net"), cost_role=_cost(is_out))
    )


def of_lines(stated: pl.DataFrame) -> pl.DataFrame:
    return _both("statement", stated, balance="net", cost="fee", clearing="-gross")


def summed_entries(
    entries: pl.LazyFrame, before: pl.DataFrame, labels: Sequence[str]
) -> pl.LazyFrame:
    """Entries by labels, with the account that the ledger books them on; one that an earlier day
    has posted and that is dated today now counts with what has changed."""
    carried = before.lazy().filter(pl.col("side") == "entry")
    again = carried.rename({"item_id": "entry_id"}).join(entries, on="entry_id", how="semi")
    return (
        pl.concat(
            [
                entries.select("entry_id", "kind", "currency", "amount"),
                again.select("entry_id", "kind", "currency", amount=-pl.col("amount")),
            ]
        )
        .group_by(labels)
        .agg(pl.col("amount").sum())
        .with_columns(
            counter_role=pl.col("kind").replace_strict(ROLE_BY_KIND, return_dtype=pl.String)
        )
    )


def of_entries(booked: pl.DataFrame) -> pl.DataFrame:
    return _both("ledger", booked, clearing="amount", counter="-amount")


def _taxes(fees: pl.DataFrame) -> pl.DataFrame:
    """The tax in fees, which the lines have together with them, by kind and currency."""
    taxes = fees.filter(component="tax").group_by("kind", "currency").agg(pl.col("charged").sum())
    return taxes.with_columns(cost_role=_cost(pl.col("kind").is_in(_MOVING_OUT)))


def _cost(is_out: pl.Expr) -> pl.Expr:
    return pl.when(is_out).then(pl.lit("withdrawal_charges")).otherwise(pl.lit("fees"))


def _settled(went: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Per currency: `residual`, what matched lines are more than their entries, and `disputed`,
    what entries are more than lines in everything else that has left the open items."""
    ours = pl.when(pl.col("side") == "entry").then("amount").otherwise(-pl.col("amount"))
    left = after.filter(pl.col("side").is_in(["line", "entry"]))
    rows = pl.concat(
        [
            went.drop_nulls("currency").select("currency", "outcome", amount=ours),
            left.select("currency", amount=-ours, outcome=pl.lit("left")),
        ],
        how="diagonal",
    )
    matched = pl.col("amount").filter(pl.col("outcome") == "matched").sum()
    return rows.group_by("currency").agg(
        residual=-matched, disputed=pl.col("amount").sum() - matched
    )


def _summed(frame: pl.DataFrame, *amounts: str) -> pl.DataFrame:
    labels = ["batch_id", "currency", "pays_into", *frame.select(cs.ends_with("_role")).columns]
    return frame.group_by(labels).agg(pl.col(amounts).sum())


def _both(event: str, frame: pl.DataFrame, **amounts: str) -> pl.DataFrame:
    """One row for each posting of an event; `-name` is a credit. A role that is not the same for
    all rows stands in a column of its own, such as `cost_role`."""
    if frame.is_empty():
        return empty(_ANY_POSTING)
    kept = [name for name in _ANY_POSTING if name in frame.columns and name != "amount"]
    parts = []
    for role, name in amounts.items():
        amount = pl.col(name.removeprefix("-"))
        parts.append(
            frame.lazy().select(
                *kept,
                event=pl.lit(event),
                role=pl.col(f"{role}_role") if f"{role}_role" in frame.columns else pl.lit(role),
                amount=(-amount if name.startswith("-") else amount).cast(MONEY),
            )
        )
    return pl.concat(parts).filter(pl.col("amount") != ZERO).collect()


def named(made: pl.DataFrame, day: Day, parts: Sequence[str]) -> pl.DataFrame:
    """POSTING of events whose transactions are told apart by some columns; balanced."""
    whose = f"{day.business_date.isoformat()}:{day.provider}:{day.account}"
    names = [pl.col(name).fill_null("") for name in ("event", *parts)]
    number = sentence(":".join(["{}"] * (len(names) + 1)), pl.lit(whose), *names)
    whole = conform(made, _ANY_POSTING)
    told = whole.with_columns(
        transaction_id=number,
        provider=pl.lit(day.provider),
        account=pl.lit(day.account),
        business_date=pl.lit(day.business_date),
        memo=memo(day.language),
    )
    balanced = told.group_by("transaction_id", "currency").agg(pl.col("amount").sum())
    ensure(balanced.filter(pl.col("amount") != ZERO).height == 0, "a transaction is not balanced")
    return conform(told, POSTING).sort("transaction_id", "role", "pays_into", "amount")


def _ensure_complete(
    stated: pl.DataFrame, booked: pl.DataFrame, before: pl.DataFrame, went: pl.DataFrame
) -> None:
    """What is posted today and what was carried is what has been matched, to the digit."""
    there = pl.concat(
        [
            stated.lazy().select("currency", amount="gross", side=pl.lit("line")),
            booked.lazy().select("currency", "amount", side=pl.lit("entry")),
            before.lazy().select("currency", "amount", "side"),
            went.lazy().drop_nulls("currency").select("currency", -pl.col("amount"), "side"),
        ]
    ).filter(pl.col("side").is_in(["line", "entry"]))
    sums = there.group_by("side", "currency").agg(pl.col("amount").sum())
    off = sums.filter(pl.col("amount") != ZERO).collect()["side"]
    ensure(off.is_empty(), f"{' and '.join(off)} rows posted are not those that were matched")
