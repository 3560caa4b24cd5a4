"""Settlement batches: gross to net, opening to closing balance, and a proof that must be zero."""

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import MONEY, ZERO
from recon.tables import DISCREPANCY, SETTLEMENT_BATCH, empty

# Which column of a batch a kind of line adds to; together they are every kind there is.
COLUMN_BY_KIND = {
    "payment": "gross",
    "refund": "refunds",
    "refund_reversal": "refunds",
    "chargeback": "chargebacks",
    "chargeback_reversal": "chargebacks",
    "withdrawal": "withdrawals",
    "withdrawal_reversal": "withdrawals",
    "payout": "withdrawals",
    "payout_reversal": "withdrawals",
    "reserve_hold": "reserve",
    "reserve_release": "reserve",
    "fee": "fee_lines",  # a fee booked as a line of its own; it joins the fees charged on lines
    "adjustment": "adjustments",
    "conversion": "adjustments",
    "transfer": "adjustments",
    "top_up": "adjustments",
}
_WITHDRAWALS = [kind for kind, column in COLUMN_BY_KIND.items() if column == "withdrawals"]


def batches(
    lines: pl.LazyFrame,
    balances: pl.DataFrame,
    controls: pl.DataFrame,
    unbooked: pl.DataFrame,
    day: Day,
) -> pl.DataFrame:
    """STATEMENT_LINE, BALANCE, CONTROL_TOTAL and UNBOOKED -> SETTLEMENT_BATCH, one a batch and
    currency.

    The proof is opening balance + net - unbooked - closing balance where the statement tells
    balances, else what its control totals are off by; null when the statement offers neither.
    """
    kind = pl.col("kind")
    columns = {
        column: pl.col("gross")
        .filter(kind.is_in([name for name, into in COLUMN_BY_KIND.items() if into == column]))
        .sum()
        for column in dict.fromkeys(COLUMN_BY_KIND.values())
    }
    summed = (
        lines.group_by("batch_id", "currency")
        .agg(
            payment_count=(kind == "payment").sum().cast(pl.Int64),
            refund_count=(kind == "refund").sum().cast(pl.Int64),
            other_count=(~kind.is_in(["payment", "refund"])).sum().cast(pl.Int64),
            fees=pl.col("fee").filter(~kind.is_in(_WITHDRAWALS)).sum(),
            withdrawal_charges=pl.col("fee").filter(kind.is_in(_WITHDRAWALS)).sum(),
            net=pl.col("net").sum(),
            provider_payout=-pl.col("gross").filter(kind.is_in(_WITHDRAWALS)).sum(),
            paying_count=kind.is_in(_WITHDRAWALS).sum(),
            settlement_date=pl.col("business_date").max(),
            **columns,
        )
        .with_columns(fees=pl.col("fees") - pl.col("fee_lines"))
        .sort("batch_id", "currency")
        .collect(engine="streaming")
    )
    return _proved(summed, balances, controls, unbooked, day)


def _proved(
    summed: pl.DataFrame,
    balances: pl.DataFrame,
    controls: pl.DataFrame,
    unbooked: pl.DataFrame,
    day: Day,
) -> pl.DataFrame:
    off = (
        controls.filter(pl.col("currency").is_not_null() & pl.col("stated").is_not_null())
        .group_by("currency")
        .agg(off=(pl.col("computed") - pl.col("stated")).sum())
    )
    # A balance with no movement is a batch as well: it has to be carried and proved.
    resting = balances.join(summed, on="currency", how="anti").select(
        "currency",
        batch_id=pl.lit(day.business_date.isoformat()),
        settlement_date=pl.lit(day.business_date),
    )
    every = pl.concat([summed, resting], how="diagonal_relaxed")
    alone = pl.len().over("currency") == 1  # a balance belongs to a day, not to one of two batches
    joined = every
    for of_currency in (balances, off, unbooked.rename({"unbooked": "not_booked"})):
        joined = joined.join(of_currency, on="currency", how="left")
    moved = pl.col("net").fill_null(ZERO) - pl.col("not_booked").fill_null(ZERO)
    balance_proof = pl.when(alone).then(pl.col("opening") + moved - pl.col("closing"))
    amounts = [name for name, dtype in SETTLEMENT_BATCH.items() if dtype == MONEY]
    counts = ["payment_count", "refund_count", "other_count"]
    return (
        joined.with_columns(
            provider=pl.lit(day.provider),
            account=pl.lit(day.account),
            opening_balance=pl.when(alone).then("opening"),
            closing_balance=pl.when(alone).then("closing"),
            unbooked=pl.when(alone).then("not_booked"),
            proof=pl.coalesce(balance_proof, "off"),
            proof_basis=pl.when(balance_proof.is_not_null())
            .then(pl.lit("balance"))
            .when(pl.col("off").is_not_null())
            .then(pl.lit("control_total"))
            .otherwise(pl.lit("none")),
            **{
                name: pl.col(name).fill_null(ZERO)
                for name in amounts
                if name in joined.columns and name != "proof"
            },
            **{name: pl.col(name).fill_null(0) for name in counts},
        )
        .with_columns(
            # A batch that pays itself out pays all of it; from a balance any part may be paid.
            expected_payout=pl.when(
                (pl.col("paying_count") > 0) & pl.col("opening").is_null()
            ).then(pl.col("net") + pl.col("provider_payout")),
            bank_credit=pl.lit(None),
            provider_payout=pl.when(pl.col("paying_count") > 0).then("provider_payout"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SETTLEMENT_BATCH.items())
    )


def with_expected_payouts(made: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """SETTLEMENT_BATCH with what was due by the settlement cycle (currency, expected_payout), where
    a currency has one batch on the day: a cycle pays days, not batches."""
    alone = pl.len().over("currency") == 1
    joined = made.drop("expected_payout").join(
        expected, on="currency", how="left", validate="m:1", maintain_order="left"
    )
    due = pl.when(alone).then("expected_payout")
    return joined.with_columns(expected_payout=due).select(made.columns)


def with_bank_credits(made: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """SETTLEMENT_BATCH with what the bank has received of each, by RECEIPT up to today."""
    key = ["provider", "account", "batch_id", "currency"]
    credited = receipts.group_by(
        "batch_id", "currency", provider="payout_provider", account="payout_account"
    ).agg(bank_credit=pl.col("credited").sum())
    joined = made.drop("bank_credit").join(
        credited, on=key, how="left", nulls_equal=True, validate="m:1", maintain_order="left"
    )
    # A batch that goes on over days is paid once: where it is paid out, the credit stands.
    is_paid = pl.col("provider_payout").is_not_null()
    return joined.with_columns(bank_credit=pl.when(is_paid).then("bank_credit")).select(
        made.columns
    )


def discrepancies(made: pl.DataFrame, before: pl.DataFrame, day: Day) -> pl.DataFrame:
    """SETTLEMENT_BATCH whose balances do not follow from its lines -> DISCREPANCY; BEFORE is what
    was booked on the first day that is known, maybe for days before it."""
    off = made.filter((pl.col("proof_basis") == "balance") & (pl.col("proof") != ZERO))
    if off.height == 0:
        return empty(DISCREPANCY)
    moved = pl.col("net") - pl.col("unbooked").fill_null(ZERO)
    facts = {
        "reached": amount_text("reached"),
        "stated": amount_text("closing_balance"),
        "difference": amount_text((pl.col("closing_balance") - pl.col("reached")).cast(MONEY)),
    }
    is_before = pl.col("closing_balance") - pl.col("reached") == pl.col("booked_before")
    reached = off.with_columns(reached=pl.col("opening_balance") + moved)
    found = reached.join(before, on="currency", how="left", maintain_order="left").select(
        "currency",
        discrepancy_id=sentence("balance:{}:{}", "batch_id", "currency"),
        type=pl.lit("balance_mismatch"),
        amount_ledger="reached",
        amount_provider="closing_balance",
        explanation=pl.when(is_before)
        .then(told(day.language, "booked_before", count="before_count", **facts))
        .otherwise(told(day.language, "balance_mismatch", **facts)),
    )
    return complete(found, day)
