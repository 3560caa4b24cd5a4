"""What leaves a provider's account for one of our bank accounts, told by the provider's lines."""

import polars as pl

from recon.money import ZERO
from recon.settings import AccountSettings
from recon.tables import PAYOUT

# Kinds of line that move money to the bank, and those that bring it back.
PAYING = ("payout", "payout_reversal", "withdrawal", "withdrawal_reversal")


def payouts(lines: pl.LazyFrame, account: AccountSettings) -> pl.DataFrame:
    """STATEMENT_LINE -> PAYOUT, for an account that says where its payouts arrive; sorted by id.

    A line of nothing, such as one of a payout that is still pending, has sent nothing: the line
    that does has the same id, and would be taken for the same payout, told before.
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
        .sort("payout_id")
        .collect(engine="streaming")
    )


def receiver(account: AccountSettings, currency: str) -> str | None:
    """The bank account that payouts of a currency go to, where the settings name one."""
    known = dict(account.pays_into)
    return known.get(currency, known.get("*"))
