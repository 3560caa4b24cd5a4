"""Amounts while a day is made: hundredths as Int64 in every currency; then text or MONEY.

Hundredths are what PayPal writes, for the yen too, and fen for WeChat Pay.
"""

from decimal import Decimal

import polars as pl

from recon.money import MONEY

HUNDRED = 100


def smallest(currency: pl.Expr) -> pl.Expr:
    """How many hundredths the smallest amount of a currency has: the yen has no decimals."""
    return pl.when(currency == "JPY").then(pl.lit(HUNDRED)).otherwise(pl.lit(1))


def text(hundredths: pl.Expr) -> pl.Expr:
    """1205 -> 12.05, -7 -> -0.07."""
    size = hundredths.abs().cast(pl.String).str.zfill(3)
    sign = pl.when(hundredths < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str([sign, size.str.head(-2), pl.lit("."), size.str.tail(2)])


def text_of(hundredths: int) -> str:
    return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // HUNDRED}.{abs(hundredths) % 100:02}"


def spoken(hundredths: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """12.05 USD, 1500 JPY: for sentences."""
    plain = text(hundredths)
    short = pl.when(currency == "JPY").then(plain.str.strip_suffix(".00")).otherwise(plain)
    return pl.concat_str([short, currency], separator=" ")


def sentence(template: str, *parts: pl.Expr) -> pl.Expr:
    """`{}` in the template is each part in turn.

    Not `pl.format`, which in Polars 2.1 panics on a column whose first chunk is empty.
    """
    texts = template.split("{}")
    between = [piece for part, text in zip(parts, texts[1:], strict=True) for piece in (part, text)]
    pieces = [piece if isinstance(piece, pl.Expr) else pl.lit(piece) for piece in between]
    return pl.concat_str([pl.lit(texts[0]), *pieces])


def money(hundredths: pl.Expr) -> pl.Expr:
    """To MONEY, exactly: a division of an 18-place decimal by a hundred loses no digit."""
    return (hundredths.cast(MONEY) / HUNDRED).cast(MONEY)


def money_of(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


def hundredths_of(amount: Decimal) -> int:
    scaled = amount.scaleb(2)
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than two decimals")
    return int(scaled)


def plain_text(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """MONEY to the text of a CSV file: two decimals, none for the yen, all that a token has."""
    two_places = amount.cast(pl.Decimal(38, 2)).cast(pl.String)
    whole = two_places.str.strip_suffix(".00")
    exact = amount.cast(pl.String).str.strip_chars_end("0").str.strip_suffix(".")
    return (
        pl.when(currency == "JPY")
        .then(whole)
        .when(currency.is_in(["USDT", "ETH"]))
        .then(exact)
        .otherwise(two_places)
    )
