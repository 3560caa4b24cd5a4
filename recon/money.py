"""Exact money: text to decimal without a silent rounding, currency exponents, rounding modes.

Amounts are `MONEY` (38 digits, 18 after the point) in every frame. Exponents are those of ISO 4217
(2026-01-01 edition), and of the tokens that wallets hold.
"""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DefaultContext,
    getcontext,
)
from typing import Final, Literal

import polars as pl

MONEY: Final = pl.Decimal(38, 18)
ZERO: Final = pl.lit(0, dtype=MONEY)
_PLACES: Final = 18
_SMALLEST: Final = Decimal(1).scaleb(-_PLACES)
_WIDE: Final = Context(prec=80)  # wider than any amount
# Python adds up to 28 digits unless told otherwise, and rounds the rest away without a word. This
# is for whatever thread computes with an amount.
DefaultContext.prec = getcontext().prec = _WIDE.prec

_ISO_CODES: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
        "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
        "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
        "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
        "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
        "XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

# What is settled on chains, in the decimals of its contract.
_TOKENS: Final[dict[int, str]] = {
    6: "USDT USDC TRX",
    8: "BTC WBTC",
    9: "SOL",
    18: "ETH BNB DAI MATIC POL BUSD",
}

CODES_BY_EXPONENT: Final[dict[int, list[str]]] = {
    exponent: codes.split() for exponent, codes in (_ISO_CODES | _TOKENS).items()
}
_LARGEST_ISO_EXPONENT: Final = max(_ISO_CODES)
EXPONENT: Final[dict[str, int]] = {
    code: exponent for exponent, codes in CODES_BY_EXPONENT.items() for code in codes
}

Rounding = Literal["half_up", "half_down", "half_even", "up", "down", "ceiling", "floor"]

PYTHON_ROUNDING: Final[dict[str, str]] = {
    "half_up": ROUND_HALF_UP,
    "half_down": ROUND_HALF_DOWN,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "ceiling": ROUND_CEILING,
    "floor": ROUND_FLOOR,
}


def parse(text: pl.Expr, *, decimals: int, suffix: str = "") -> pl.Expr:
    """Read plain decimal text as `MONEY`; null, meaning reject, for everything else.

    The digits are checked before the cast, because the cast itself rounds without an error:
    "1.005" with two decimals is null, "1.500" is 1.5; "1e3", "1,000.00", "" and " 1" are null.
    `suffix` is a character that may follow, such as the comma that ends a WeChat Pay cell.
    """
    fraction = rf"(?:\.\d{{1,{decimals}}}0{{0,9}})?" if decimals else r"(?:\.0{1,9})?"
    end = rf"{suffix}?" if suffix else ""
    plain = text.str.contains(rf"^-?\d{{1,18}}{fraction}{end}$")
    digits = text.str.strip_suffix(suffix) if suffix else text
    return pl.when(plain).then(digits.cast(MONEY, strict=False))


def exponent_of(currency: pl.Expr) -> pl.Expr:
    """The number of decimals a currency has, as Int8; null for an unknown code."""
    return currency.replace_strict(EXPONENT, default=None, return_dtype=pl.Int8)


def fits(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """True where `amount` has no more decimals than `currency` allows; false for unknown codes."""
    return is_whole(amount.cast(MONEY), unit_of(currency))


def is_whole(amount: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """True where `amount`, which is `MONEY`, is a multiple of `unit_of` its currency.

    Where several amounts of a row are asked about, or one is in several ways, have the unit as a
    column: to look it up takes as long as to read an amount.
    """
    return (amount.to_physical() % unit == 0).fill_null(value=False)


def rounds_to(amount: pl.Expr, rounded: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """Whether `rounded` is `amount` rounded half up to a multiple of `unit_of` its currency, both
    `MONEY`; null for an unknown code."""
    exact = amount.to_physical()
    nearest = (exact.abs() + unit // 2) // unit * unit * exact.sign()
    return nearest == rounded.to_physical()


def unit_of(currency: pl.Expr) -> pl.Expr:
    """The smallest amount of a currency, as the whole number it is in `MONEY`; null for an unknown
    code."""
    units = {code: 10 ** (_PLACES - places) for code, places in EXPONENT.items()}
    return currency.replace_strict(units, default=None, return_dtype=pl.Int128)


def round_to(amount: pl.Expr, decimals: int, mode: Rounding) -> pl.Expr:
    """Round a `MONEY` expression to `decimals` places; every mode is symmetric but the last two.

    Modes as in Python's `decimal`: half_up is away from zero at .5, which is what finance calls
    commercial rounding (四舍五入); ceiling and floor look at the sign.
    """
    if mode == "half_up":
        return amount.round(decimals, mode="half_away_from_zero").cast(MONEY)
    if mode == "half_even":
        return amount.round(decimals, mode="half_to_even").cast(MONEY)
    truncated = amount.truncate(decimals).cast(MONEY)
    if mode == "down":
        return truncated
    unit = pl.lit(Decimal(1).scaleb(-decimals), dtype=MONEY)
    away = pl.when(amount < ZERO).then(-unit).otherwise(unit)
    rest = amount - truncated
    if mode == "up":
        grow = rest != ZERO
    elif mode == "half_down":
        half = pl.lit(Decimal(5).scaleb(-decimals - 1), dtype=MONEY)
        grow = rest.abs() > half
    elif mode == "ceiling":
        grow = rest > ZERO
    else:
        grow = rest < ZERO
    return pl.when(grow).then(truncated + away).otherwise(truncated)


def round_by_currency(amount: pl.Expr, currency: pl.Expr, mode: Rounding = "half_up") -> pl.Expr:
    """Round a `MONEY` expression to the decimals of its currency; an unknown code is left as is."""
    by_exponent = [
        pl.when(currency.is_in(codes)).then(round_to(amount, exponent, mode))
        for exponent, codes in CODES_BY_EXPONENT.items()
    ]
    return pl.coalesce(*by_exponent, amount).cast(MONEY)


def to_text(amount: pl.Expr) -> pl.Expr:
    """Plain decimal text for machines: 12.5, 0.00001, 1500; null stays null.

    The trailing zeros of the 18-place storage are dropped; nothing is rounded.
    """
    text = amount.cast(pl.String).str.strip_chars_end("0").str.strip_suffix(".")
    is_plain = (text != "-0").fill_null(value=True)
    return pl.when(is_plain).then(text).otherwise(pl.lit("0"))


def as_text(amount: Decimal) -> str:
    """`to_text` of one amount; more than the 18 places of `MONEY` are rounded as Polars does."""
    return _trimmed(f"{amount.quantize(_SMALLEST, rounding=ROUND_HALF_EVEN, context=_WIDE):f}")


def as_texts(amounts: pl.Series) -> list[str | None]:
    """`to_text` of a column, for loops: a small column costs less than an expression."""
    return [text and _trimmed(text) for text in amounts.cast(pl.String).to_list()]


def _trimmed(text: str) -> str:
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text


def shown_decimals(currency: str) -> int:
    """How many decimals are shown even where they are zeros; those of a token would be too many."""
    exponent = EXPONENT.get(currency, 2)
    return exponent if exponent <= _LARGEST_ISO_EXPONENT else 2


def display(amount: Decimal, currency: str) -> str:
    """An amount as people read it: 1,234.50 CNY, 150 JPY, 0.001 ETH; never rounded."""
    whole, _, fraction = f"{amount:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(shown_decimals(currency), "0")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{'.' if fraction else ''}{fraction} {currency}"


def to_display(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """An amount with at least its currency's decimals: 12.5 CNY -> "12.50"; never rounded."""
    digits = amount.cast(pl.String)
    point = digits.str.find(".", literal=True)
    shown = {code: shown_decimals(code) for code in EXPONENT}
    places = currency.replace_strict(shown, default=2, return_dtype=pl.UInt32)
    significant = digits.str.strip_chars_end("0").str.len_bytes()
    length = pl.max_horizontal(significant, point + 1 + places)
    return digits.str.slice(0, length).str.strip_suffix(".")
