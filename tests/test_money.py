"""Money: read exactly or not at all, rounded as asked, shown without loss."""

from decimal import MAX_PREC, Context, Decimal
from threading import Thread

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon import money
from recon.money import EXPONENT, MONEY, PYTHON_ROUNDING

EXACT = Context(prec=MAX_PREC)
UNIT = Decimal("1e-18")
# Any MONEY with up to 18 digits before the point, which is what `parse` accepts.
AMOUNTS = st.integers(-(10**36) + 1, 10**36 - 1).map(lambda n: EXACT.scaleb(Decimal(n), -18))
# Those near the edge between two roundings, which random digits seldom are.
EDGES = st.builds(
    lambda whole, nudge: EXACT.add(Decimal(whole).scaleb(-3), nudge * UNIT),
    st.integers(-10_000, 10_000),
    st.integers(-1, 1),
)


def amounts(*values: str | Decimal) -> pl.DataFrame:
    return pl.Series("amount", [Decimal(value) for value in values], dtype=MONEY).to_frame()


def parse(text: str | None, decimals: int = 2, suffix: str = "") -> Decimal | None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    parsed = frame.select(money.parse(pl.col("text"), decimals=decimals, suffix=suffix))
    assert parsed.schema["text"] == MONEY
    return parsed.item()  # type: ignore[no-any-return]


def test_python_adds_amounts_of_all_digits_up_exactly_in_any_thread() -> None:
    def added() -> Decimal:
        return Decimal("99999999999999999999.000000000000000001") + Decimal("0.5") - 1

    sums = [added()]
    thread = Thread(target=lambda: sums.append(added()))
    thread.start()
    thread.join()
    assert sums == [Decimal("99999999999999999998.500000000000000001")] * 2


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("12.34", 2, "12.34"),
        ("-12.34", 2, "-12.34"),
        ("0", 2, "0"),
        ("-0.00", 2, "0"),
        ("007.10", 2, "7.10"),
        ("1.500", 2, "1.5"),  # zeros behind the currency's decimals change nothing
        ("12.30000", 2, "12.30"),  # the fee column of WeChat Pay
        ("1500", 0, "1500"),  # JPY
        ("1500.00", 0, "1500"),
        ("0.125", 3, "0.125"),  # KWD
        ("0.123456789012345678", 18, "0.123456789012345678"),
        ("0.123456789012345678000", 18, "0.123456789012345678"),
        ("999999999999999999.99", 2, "999999999999999999.99"),
        ("-999999999999999999.999999999999999999", 18, "-999999999999999999.999999999999999999"),
    ],
)
def test_f37_plain_decimal_text_is_read_exactly(text: str, decimals: int, amount: str) -> None:
    assert parse(text, decimals) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("1.005", 2),  # would be rounded to 1.00 by a cast
        ("1.0050", 2),
        ("0.0001", 3),
        ("0.5", 0),
        ("0.1234567890123456789", 18),
        ("1000000000000000000", 2),  # nineteen digits
        ("1e3", 2),
        ("1E3", 2),
        ("1,000.00", 2),
        ("1.234,56", 2),
        ("1 000.00", 2),
        ("1'000.00", 2),
        ("1_000", 2),
        ("(12.00)", 2),
        ("12.00-", 2),
        ("--1", 2),
        ("- 1", 2),
        ("\u22121", 2),  # a minus sign that is no hyphen
        ("-", 2),
        ("--", 2),
        ("", 2),
        (" 1", 2),
        ("1 ", 2),
        ("1\n", 2),
        ("1\t", 2),
        ("\u00a01", 2),
        ("+1", 2),
        ("1.", 2),
        (".5", 2),
        ("1.2.3", 2),
        ("\uff11\uff12", 2),  # full-width digits
        ("1\uff0e5", 2),
        ("\u0663", 2),  # an Arabic-Indic digit
        ("0x10", 2),
        ("NaN", 2),
        ("inf", 2),
        ("null", 2),
        ("¥12.00", 2),
        ("12.00元", 2),
        (None, 2),
    ],
)
def test_f37_everything_else_is_a_reject_and_never_a_guess(text: str | None, decimals: int) -> None:
    assert parse(text, decimals) is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.34,", "12.34"),
        ("-0.60000,", "-0.60"),
        ("12.34", "12.34"),  # the last cell of a row has nothing behind it
        ("12.34,,", None),
        ("1,234,", None),
        (",12.34", None),
        (",", None),
        ("12.345,", None),
    ],
)
def test_one_suffix_may_follow(text: str, amount: str | None) -> None:
    assert parse(text, suffix=",") == (amount and Decimal(amount))
    assert parse("12.34,") is None


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_what_is_written_plainly_is_read_back_to_the_digit(values: list[Decimal]) -> None:
    texts = pl.DataFrame({"text": [f"{value:f}" for value in values]})
    read = texts.select(money.parse(pl.col("text"), decimals=18))["text"].to_list()
    assert read == values
    shown = amounts(*values).select(text=money.to_text(pl.col("amount")))["text"].to_list()
    assert [Decimal(text) for text in shown] == values


@given(
    st.lists(
        st.text("0123456789.-+,eE ()`'\u00a0\uff11\u0663", max_size=24), min_size=1, max_size=40
    ),
    st.integers(0, 18),
)
def test_what_is_read_is_what_python_reads_and_fits_the_decimals(
    texts: list[str], decimals: int
) -> None:
    frame = pl.DataFrame({"text": texts})
    read = frame.select(money.parse(pl.col("text"), decimals=decimals))["text"].to_list()
    for text, amount in zip(texts, read, strict=True):
        if amount is not None:
            assert amount == Decimal(text)
            assert amount == amount.quantize(Decimal(1).scaleb(-decimals), context=EXACT)


# ------------------------------------------------------------------------------ arithmetic


def test_f33_sums_and_products_that_floats_get_wrong_are_exact() -> None:
    tenth, fifth = amounts("0.1", "0.2")["amount"]
    assert tenth + fifth == Decimal("0.3")
    hundred = pl.lit(Decimal(100), dtype=MONEY)
    cents = amounts("8.20", "2557.68").select(pl.col("amount") * hundred)["amount"]
    assert cents.to_list() == [Decimal(820), Decimal(255768)]


def test_sums_are_exact_up_to_38_digits() -> None:
    most = "99999999999999999999.999999999999999998"
    frame = amounts(most, "0.000000000000000001")
    assert frame["amount"].sum() == Decimal("99999999999999999999.999999999999999999")


@pytest.mark.parametrize(
    "expression",
    [
        pl.col("amount") + pl.col("amount"),
        pl.col("amount") - (-pl.col("amount")),
        pl.col("amount") * pl.col("amount"),
        pl.col("amount").sum(),
    ],
    ids=["add", "subtract", "multiply", "sum"],
)
def test_f36_an_overflow_is_an_error_and_never_wraps(expression: pl.Expr) -> None:
    frame = amounts(*["99999999999999999999"] * 3)
    with pytest.raises(pl.exceptions.ComputeError, match="overflow"):
        frame.lazy().select(expression).collect(engine="streaming")


# ------------------------------------------------------------------------------ rounding


@pytest.mark.parametrize(
    ("mode", "rounded"),
    [
        #             0.005   0.015  -0.005  0.0149  0.0151 -0.0151
        ("half_up", "  0.01    0.02   -0.01    0.01    0.02   -0.02"),
        ("half_down", "0.00    0.01    0.00    0.01    0.02   -0.02"),
        ("half_even", "0.00    0.02    0.00    0.01    0.02   -0.02"),
        ("up", "       0.01    0.02   -0.01    0.02    0.02   -0.02"),
        ("down", "     0.00    0.01    0.00    0.01    0.01   -0.01"),
        ("ceiling", "  0.01    0.02    0.00    0.02    0.02   -0.01"),
        ("floor", "    0.00    0.01   -0.01    0.01    0.01   -0.02"),
    ],
)
def test_f35_each_rounding_mode_at_the_edge(mode: money.Rounding, rounded: str) -> None:
    frame = amounts("0.005", "0.015", "-0.005", "0.0149", "0.0151", "-0.0151")
    done = frame.select(money.round_to(pl.col("amount"), 2, mode))["amount"]
    assert done.dtype == MONEY
    assert done.to_list() == [Decimal(text) for text in rounded.split()]


@given(st.lists(AMOUNTS | EDGES, min_size=1, max_size=20), st.integers(0, 18))
def test_every_rounding_mode_is_that_of_python(values: list[Decimal], decimals: int) -> None:
    done = amounts(*values).select(
        money.round_to(pl.col("amount"), decimals, mode).alias(mode)  # type: ignore[arg-type]
        for mode in PYTHON_ROUNDING
    )
    for mode, python_mode in PYTHON_ROUNDING.items():
        unit = Decimal(1).scaleb(-decimals)
        expected = [value.quantize(unit, python_mode, EXACT) for value in values]
        assert done[mode].to_list() == expected, mode


# ------------------------------------------------------------------------------ currencies


def test_exponents_are_those_of_iso_4217_and_null_for_an_unknown_code() -> None:
    codes = pl.DataFrame({"code": ["CNY", "JPY", "KWD", "CLF", "cny", "ZZZ", "", None]})
    found = codes.select(money.exponent_of(pl.col("code")))["code"]
    assert found.dtype == pl.Int8
    assert found.to_list() == [2, 0, 3, 4, None, None, None, None]
    assert len(EXPONENT) > 150


@pytest.mark.parametrize(
    ("amount", "currency", "does_fit"),
    [
        ("12.34", "CNY", True),
        ("-12.345", "CNY", False),
        ("150", "JPY", True),
        ("0.5", "JPY", False),
        ("1.234", "KWD", True),
        ("1.2345", "KWD", False),
        ("1", "ZZZ", False),
        ("1", None, False),
        (None, "CNY", False),
    ],
)
def test_f34_an_amount_fits_the_decimals_of_its_currency(
    amount: str | None, currency: str | None, does_fit: bool
) -> None:
    frame = pl.DataFrame(
        {"amount": [amount and Decimal(amount)], "currency": [currency]},
        schema={"amount": MONEY, "currency": pl.String},
    )
    assert frame.select(money.fits(pl.col("amount"), pl.col("currency"))).item() is does_fit


# ------------------------------------------------------------------------------ showing


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("12.34", "12.34"),
        ("0.00001", "0.00001"),
        ("1500", "1500"),
        ("-0.25", "-0.25"),
        ("0", "0"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_plain_text_is_exact_and_without_idle_zeros(amount: str, text: str) -> None:
    assert amounts(amount).select(money.to_text(pl.col("amount"))).item() == text


@pytest.mark.parametrize("text", ["12.5", "0.00001", "1500", "-0.05", "0", None])
def test_plain_text_drops_trailing_zeros_and_keeps_null(text: str | None) -> None:
    frame = pl.DataFrame({"amount": [text]}, schema={"amount": pl.String})
    plain = frame.select(money.to_text(pl.col("amount").cast(money.MONEY)))
    assert plain.item() == text


SHOWN = [
    ("12.5", "CNY", "12.50"),
    ("-1234.5", "CNY", "-1234.50"),
    ("0", "CNY", "0.00"),
    ("150", "JPY", "150"),
    ("150.5", "JPY", "150.5"),  # never rounded, even where it does not fit
    ("1.2", "KWD", "1.200"),
    ("0.001", "ETH", "0.001"),
    ("7", "ETH", "7.00"),
    ("12345678901.123456789012345678", "ETH", "12345678901.123456789012345678"),
]


@pytest.mark.parametrize(("amount", "currency", "text"), SHOWN)
def test_a_displayed_amount_has_the_decimals_of_its_currency(
    amount: str, currency: str, text: str
) -> None:
    frame = amounts(amount).with_columns(currency=pl.lit(currency))
    assert frame.select(money.to_display(pl.col("amount"), pl.col("currency"))).item() == text


@pytest.mark.parametrize(("amount", "currency", "text"), SHOWN)
def test_the_same_for_people_has_thousands_and_the_code(
    amount: str, currency: str, text: str
) -> None:
    grouped = f"{Decimal(text):,f}"
    assert money.display(Decimal(amount), currency) == f"{grouped} {currency}"


@pytest.mark.parametrize("code", ["JPY", "EUR", "KWD", "CLF", "BTC", "ETH"])
@pytest.mark.parametrize("text", ["1.005", "-1.005", "0.5", "-0.5", "2.4999", "-7.00005", "0"])
def test_one_amount_in_a_currency_is_what_another_rounds_to(text: str, code: str) -> None:
    amount, currency = pl.lit(text).cast(money.MONEY), pl.lit(code)
    rounded = money.round_by_currency(amount, currency)
    unit = pl.lit(1).cast(money.MONEY) / 10 ** money.EXPONENT[code]
    beside = (rounded + unit.cast(money.MONEY)).cast(money.MONEY)
    found = pl.select(
        money.rounds_to(amount, rounded, money.unit_of(currency)).alias("it"),
        money.rounds_to(amount, beside, money.unit_of(currency)).alias("beside"),
        money.rounds_to(amount, rounded, money.unit_of(pl.lit("no code"))).alias("unknown"),
    )
    assert found.row(0) == (True, False, None)
