"""What Adyen's reports share: amounts that may be empty, times with an abbreviation, wallets."""

import polars as pl

from recon import money
from recon.providers import checks
from recon.providers.adyen.codes import MINUTES_BY_ZONE

WALLETS = ("applepay", "googlepay")


def amount(name: str) -> pl.Expr:
    """An empty amount is none at all."""
    text = pl.col(name)
    return pl.when(text == "").then(money.ZERO).otherwise(money.parse(text, decimals=6))


def local_time(name: str) -> pl.Expr:
    """The time as printed; its zone is in a column of its own."""
    return checks.local_time(pl.col(name))


def instant(local: pl.Expr) -> pl.Expr:
    """UTC from a printed time and the column TimeZone; null for an unknown abbreviation."""
    minutes = pl.col("TimeZone").replace_strict(
        MINUTES_BY_ZONE, default=None, return_dtype=pl.Int64
    )
    return (local - pl.duration(minutes=minutes)).dt.replace_time_zone("UTC")


def time_checks(name: str) -> list[checks.Check]:
    """Rows need `local` and `occurred_at`."""
    return [
        checks.Check(name, pl.col(name), pl.col("local").is_not_null(), "not a time"),
        checks.Check(
            "TimeZone",
            pl.col("TimeZone"),
            pl.col("occurred_at").is_not_null(),
            "an abbreviation of no time zone we know",
            True,
        ),
    ]


def payment_method() -> pl.Expr:
    """visa, or applepay:visa where method or variant (visa_applepay) tell the wallet."""
    method = checks.blank_as_null("Payment Method")
    texts = [pl.col("Payment Method"), pl.col("Payment Method Variant")]
    return pl.coalesce(
        *(
            pl.when(pl.any_horizontal(_is_of(text, wallet) for text in texts)).then(
                pl.concat_str([pl.lit(wallet), _card(method, wallet)], separator=":",
                              ignore_nulls=True)
            )
            for wallet in WALLETS
        ),
        method,
    )  # fmt: skip


def _is_of(text: pl.Expr, wallet: str) -> pl.Expr:
    return (text == wallet) | text.str.ends_with(f"_{wallet}")


def _card(method: pl.Expr, wallet: str) -> pl.Expr:
    """What is paid with in the wallet; null where the method is the wallet itself."""
    card = method.str.strip_suffix(f"_{wallet}")
    return pl.when(card != wallet).then(card)
