"""What is on the accounts before a period and must be there after it, from other sources than the
postings: open items, statements' own balances, payouts on their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.book_tables import POSTING
from recon.discrepancies import sentence
from recon.journal.accounts import Chart
from recon.journal.formats import ASSERTION
from recon.journal.phrases import memo
from recon.money import ZERO
from recon.tables import conform, empty
from recon.wording import Language


@dataclass(frozen=True)
class Standing:
    """One account around a period."""

    provider: str
    account: str
    before: pl.DataFrame  # OPEN_ITEM that the day before the period has left
    after: pl.DataFrame  # OPEN_ITEM that its last day leaves
    batches: pl.DataFrame  # SETTLEMENT_BATCH of the period
    in_transit: pl.DataFrame  # currency, amount: on its way to this account before the period
    reserve: pl.DataFrame  # currency, amount: held by the provider before the period


def opening(standings: Sequence[Standing], first: date, language: Language) -> pl.DataFrame:
    """POSTING of what was there before: open items, balances, payouts in transit, reserves."""
    parts = [empty(POSTING)]
    for one in standings:
        held = pl.concat(
            [
                _clearing(one.before).with_columns(role=pl.lit("clearing")),
                _balances(one.batches, "opening_balance").with_columns(role=pl.lit("balance")),
                _unbooked(one.before).with_columns(role=pl.lit("unbooked")),
                one.in_transit.select("currency", "amount", role=pl.lit("in_transit")),
                one.reserve.select("currency", "amount", role=pl.lit("reserve")),
            ]
        ).filter(pl.col("amount") != ZERO)
        both = pl.concat([held, held.with_columns(-pl.col("amount"), role=pl.lit("opening"))])
        told = both.with_columns(
            transaction_id=sentence(
                "{}:{}:{}:opening:{}",
                pl.lit(first.isoformat()),
                pl.lit(one.provider),
                pl.lit(one.account),
                "currency",
            ),
            business_date=pl.lit(first),
            provider=pl.lit(one.provider),
            account=pl.lit(one.account),
            pays_into=pl.when(pl.col("role") == "in_transit").then(pl.lit(one.account)),
            event=pl.lit("opening"),
        )
        whole = conform(told, POSTING)
        parts.append(whole.with_columns(memo=memo(language)))
    return pl.concat(parts)


def assertions(
    posted: pl.DataFrame, standings: Sequence[Standing], chart: Chart, last: date
) -> pl.DataFrame:
    """ASSERTION of every clearing account, and of every balance that the statements of the whole
    period prove; not of an account that the chart uses for something else as well."""
    parts = [_asserted(one) for one in standings]
    if not parts:
        return empty(ASSERTION)
    named = chart.named(pl.concat(parts), "role", "ledger_account")
    used = chart.named(posted, "role", "ledger_account").select("role", "ledger_account").unique()
    shared = used.group_by("ledger_account").len().filter(pl.col("len") > 1)
    summed = (
        named.join(shared, on="ledger_account", how="anti")
        .group_by("ledger_account", "currency")
        .agg(pl.col("amount").sum())
    )
    return conform(summed.with_columns(business_date=pl.lit(last)), ASSERTION)


def _asserted(one: Standing) -> pl.DataFrame:
    """provider, account, role, currency, amount."""
    currencies = pl.concat([_clearing(part) for part in (one.before, one.after)])
    every = currencies.select("currency").unique()
    left = every.join(_clearing(one.after), on="currency", how="left")
    proved = one.batches.group_by("currency").agg(
        is_proved=((pl.col("proof_basis") == "balance") & (pl.col("proof") == ZERO)).all()
    )
    closing = _balances(one.batches, "closing_balance").join(
        proved.filter("is_proved"), on="currency", how="semi"
    )
    return pl.concat(
        [
            left.select("currency", pl.col("amount").fill_null(ZERO), role=pl.lit("clearing")),
            closing.select("currency", "amount", role=pl.lit("balance")),
        ]
    ).with_columns(provider=pl.lit(one.provider), account=pl.lit(one.account))


def _clearing(items: pl.DataFrame) -> pl.DataFrame:
    """currency, amount: entries less lines."""
    ours = pl.when(pl.col("side") == "entry").then("amount").otherwise(-pl.col("amount"))
    return (
        items.filter(pl.col("side").is_in(["line", "entry"]))
        .group_by("currency")
        .agg(amount=ours.sum())
    )


def _unbooked(items: pl.DataFrame) -> pl.DataFrame:
    """currency, amount: what is not on the balance yet."""
    waiting = items.filter(side="booking").group_by("currency")
    return waiting.agg(pl.col("amount").sum())


def _balances(batches: pl.DataFrame, name: str) -> pl.DataFrame:
    """currency, amount: the first opening or the last closing balance that a statement tells."""
    told = batches.drop_nulls(name).sort("settlement_date")
    is_first = name == "opening_balance"
    return told.group_by("currency").agg(
        amount=pl.col(name).first() if is_first else pl.col(name).last()
    )
