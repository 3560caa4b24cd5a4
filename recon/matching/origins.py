"""Refunds and chargebacks against the payment they belong to, however many months ago that was."""

from datetime import date

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import ZERO
from recon.tables import DISCREPANCY, empty
from recon.wording import KINDS, words

# What gives money of a payment back, and what takes that back again; amounts have their own signs.
RETURNING = ("refund", "refund_reversal", "chargeback", "chargeback_reversal")


def over_refunds(orders: pl.DataFrame, day: Day) -> pl.DataFrame:
    """DISCREPANCY for payments of which more was given back than was paid, as of this day.

    `orders` is LEDGER_ENTRY: the payments that entries of the day give something back of, and
    everything that was given back of them up to and including the day. Reported is what this day
    has added to the excess, so that every refund too many is reported once, on its own day.
    """
    if orders.height == 0:
        return empty(DISCREPANCY)
    succeeded = orders.filter(pl.col("status").fill_null("succeeded") == "succeeded")
    paid = (
        succeeded.filter(kind="payment")
        .group_by("merchant_ref", "currency")
        .agg(paid=pl.col("amount").sum())
    )
    returned = (
        succeeded.filter(pl.col("kind").is_in(RETURNING))
        .group_by(merchant_ref="parent_ref", currency="currency")
        .agg(
            returned=-pl.col("amount").sum(),
            before=-pl.col("amount").filter(_before(day.business_date)).sum(),
            entry_ids=pl.col("entry_id").filter(~_before(day.business_date)).sort(),
            txn_id=pl.col("txn_id").filter(~_before(day.business_date)).drop_nulls().min(),
        )
    )
    excess = (
        paid.join(returned, on=["merchant_ref", "currency"], how="inner", validate="1:1")
        .with_columns(
            now=pl.max_horizontal(pl.col("returned") - pl.col("paid"), ZERO),
            earlier=pl.max_horizontal(pl.col("before") - pl.col("paid"), ZERO),
        )
        .filter(pl.col("now") > pl.col("earlier"))
        .with_columns(added=pl.col("now") - pl.col("earlier"))
    )
    found = excess.select(
        "currency",
        "merchant_ref",
        "txn_id",
        "entry_ids",
        discrepancy_id=sentence(
            "over_refund:{}:{}:{}", "merchant_ref", "currency", pl.lit(str(day.business_date))
        ),
        type=pl.lit("over_refund"),
        amount_ledger=ZERO,
        amount_provider=-pl.col("added"),
        explanation=told(
            day.language,
            "over_refund",
            reference="merchant_ref",
            paid=amount_text("paid"),
            returned=amount_text("returned"),
            added=amount_text("added"),
        ),
    )
    return complete(found, day)


# What gives money back, what undoes that, and how it is called when there was nothing to undo.
_UNDONE = (
    ("chargeback", "chargeback_reversal", "chargeback_unrecorded"),
    ("refund", "refund_reversal", "refund_unlinked"),
)


def unfounded_reversals(orders: pl.DataFrame, day: Day) -> pl.DataFrame:
    """DISCREPANCY for disputes won and refunds returned of which the ledger has not booked, in the
    first place, that the money went; as of this day, and each on its own day.

    `orders` is as for `over_refunds`. Only of orders whose payment the ledger has: what is older
    than the ledger proves nothing.
    """
    if not orders["kind"].is_in([reversal for _, reversal, _ in _UNDONE]).any():
        return empty(DISCREPANCY)
    succeeded = orders.filter(pl.col("status").fill_null("succeeded") == "succeeded")
    paid = succeeded.filter(kind="payment").select("merchant_ref", "currency").unique()
    parts = [empty(DISCREPANCY)]
    for kind, reversal, name in _UNDONE:
        amount, is_back = pl.col("amount"), pl.col("kind") == reversal
        summed = (
            succeeded.filter(pl.col("kind").is_in([kind, reversal]))
            .group_by(merchant_ref="parent_ref", currency="currency")
            .agg(
                back=amount.filter(is_back).sum(),
                taken=-amount.filter(~is_back).sum(),
                before=amount.filter(_before(day.business_date)).sum(),
                entry_ids=pl.col("entry_id").filter(is_back).sort(),
                txn_id=pl.col("txn_id").filter(is_back).drop_nulls().min(),
            )
            .join(paid, on=["merchant_ref", "currency"], how="semi")
            .with_columns(
                added=pl.max_horizontal(pl.col("back") - pl.col("taken"), ZERO)
                - pl.max_horizontal("before", ZERO)
            )
            .filter(pl.col("added") > ZERO)
        )
        found = summed.select(
            "currency",
            "merchant_ref",
            "txn_id",
            "entry_ids",
            discrepancy_id=sentence(
                f"{reversal}:{{}}:{{}}:{{}}",
                "merchant_ref",
                "currency",
                pl.lit(str(day.business_date)),
            ),
            type=pl.lit(name),
            amount_ledger=ZERO,
            amount_provider=-pl.col("added"),
            explanation=told(
                day.language,
                "reversal_unfounded",
                reference="merchant_ref",
                kind=pl.lit(words(KINDS, day.language)[kind]),
                reversal=pl.lit(words(KINDS, day.language)[reversal]),
                back=amount_text("back"),
                taken=amount_text("taken"),
                added=amount_text("added"),
            ),
        )
        parts.append(complete(found, day))
    return pl.concat(parts)


def _before(business_date: date) -> pl.Expr:
    return pl.col("business_date") < business_date
