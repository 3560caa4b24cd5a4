"""What leaves a provider's account for one of our bank accounts, told by the provider's lines."""

from typing import Final

import polars as pl

from recon.discrepancies import told
from recon.money import ZERO
from recon.settings import AccountSettings
from recon.tables import PAYOUT, Schema
from recon.wording import Language

# Kinds of line that move money to the bank, and those that bring it back.
PAYING = ("payout", "payout_reversal", "withdrawal", "withdrawal_reversal")

# A payout that a statement of an earlier day has told, and on which day first.
SENT_BEFORE: Final[Schema] = {"payout_id": pl.String(), "sent_on": pl.Date()}


def payouts(
    lines: pl.LazyFrame, account: AccountSettings, sent_before: pl.DataFrame
) -> pl.DataFrame:
    """STATEMENT_LINE -> PAYOUT, for an account that says where its payouts arrive; sorted by id.

    A line of nothing, such as one of a payout that is still pending, has sent nothing: the line
    that does has the same id, and would be taken for the same payout, told before. One that is in
    SENT_BEFORE is told again, and was sent once.
    """
    has_moved = (pl.col("status").fill_null("succeeded") != "failed") & (pl.col("gross") != ZERO)
    paying = pl.col("kind").is_in(PAYING) & has_moved
    receivers = {code: bank for code, bank in account.pays_into if code != "*"}
    elsewhere = receiver(account, "*")
    into = pl.col("currency").replace_strict(receivers, default=elsewhere, return_dtype=pl.String)
    window = pl.duration(days=account.payout_window_days)
    return (
        lines.filter(paying)
        .with_columns(
            payout_id="line_id",
            pays_into=into,
            due_on=pl.col("business_date") + window,
            amount=-pl.col("gross"),
        )
        .filter(pl.col("pays_into").is_not_null())
        .with_columns(arithmetic=pl.lit(None))
        .select(pl.col(name).cast(dtype) for name, dtype in PAYOUT.items())
        .unique("payout_id")
        .join(sent_before.lazy(), on="payout_id", how="anti")
        .sort("payout_id")
        .collect(engine="streaming")
    )


def told_again(
    found: pl.DataFrame, sent_before: pl.DataFrame, carried: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """DISCREPANCY of lines that the ledger does not have, where a line is a payout in SENT_BEFORE
    that a later statement has told again: the provider repeats it. `carried` is OPEN_ITEM."""
    if sent_before.is_empty():
        return found
    dates = carried.filter(side="line").select(line_id="item_id", told_on="business_date")
    facts = (
        found.with_columns(line_id=pl.col("line_ids").list.first())
        .join(
            sent_before, left_on="line_id", right_on="payout_id", how="left", maintain_order="left"
        )
        .join(dates, on="line_id", how="left", maintain_order="left")
        .with_columns(told_on=pl.coalesce("told_on", "business_date"))
    )
    is_again = (pl.col("type") == "missing_in_ledger") & (pl.col("sent_on") < pl.col("told_on"))
    is_again = is_again.fill_null(value=False)
    said = told(
        language,
        "payout_told_again",
        reference=pl.coalesce("merchant_ref", "txn_id", "line_id"),
        first="sent_on",
        day="told_on",
    )
    return facts.with_columns(
        type=pl.when(is_again).then(pl.lit("duplicate_in_provider")).otherwise("type"),
        explanation=pl.when(is_again).then(said).otherwise("explanation"),
        suggested_action=pl.when(is_again)
        .then(told(language, "ask_which_statement_is_right"))
        .otherwise("suggested_action"),
    ).select(found.columns)


def receiver(account: AccountSettings, currency: str) -> str | None:
    """The bank account that payouts of a currency go to, where the settings name one."""
    known = dict(account.pays_into)
    return known.get(currency, known.get("*"))
