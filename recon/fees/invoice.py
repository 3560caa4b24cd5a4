"""A month's fees by tariff row against the provider's invoice for them."""

from decimal import Decimal
from typing import Final, Literal

import polars as pl

from recon.errors import UserError
from recon.money import EXPONENT, MONEY, ZERO
from recon.tables import Schema

# One row a tariff row, component, kind and currency; `invoiced` is null where the invoice does not
# itemise it.
INVOICE_ROW: Final[Schema] = {
    "tariff": pl.String(),
    "component": pl.String(),
    "kind": pl.String(),
    "currency": pl.String(),
    "line_count": pl.Int64(),
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,
    "invoiced": MONEY,
    "difference": MONEY,  # invoiced - charged, or - expected
}

INVOICE_TOTAL: Final[Schema] = {
    "currency": pl.String(),
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,
    "invoiced": MONEY,
    "difference": MONEY,
}

# A bridge: `expected`, `charged` and `invoiced` are totals; `charged_beside` the tariff,
# `invoiced_beside` what was charged, and `not_explained` are what lies between them.
INVOICE_STEP: Final[Schema] = {
    "currency": pl.String(),
    "step": pl.String(),
    "tariff": pl.String(),
    "amount": MONEY,
}

Against = Literal["charged", "expected"]

STATED: Final[Schema] = {"tariff": pl.String(), "currency": pl.String(), "amount": MONEY}


def rows(fees: pl.DataFrame, stated: pl.DataFrame, against: Against = "charged") -> pl.DataFrame:
    """FEE_SUMMARY of days and STATED lines of an invoice -> INVOICE_ROW.

    An invoice that names tariff rows is compared row by row, with what it names and nobody has
    charged as rows of its own, and nothing invoiced for what it leaves out; one that states a total
    is compared by `totals`.
    """
    key = ["tariff", "component", "kind", "currency"]
    summed = fees.group_by(key).agg(pl.col("line_count", "charged", "expected", "variance").sum())
    named = stated.filter(pl.col("tariff").is_not_null())
    by_tariff = named.group_by("tariff", "currency").agg(invoiced=pl.col("amount").sum())
    itemised = _itemised(stated)
    # A tariff row's kinds and taxes are one position of an invoice: the first row bears it.
    first = pl.int_range(pl.len()).over("tariff", "currency") == 0
    whole = pl.col(against).sum().over("tariff", "currency")
    left_out = pl.when(pl.col("currency").is_in(itemised.implode())).then(ZERO)
    return (
        summed.sort("currency", *key[:3])
        .join(by_tariff, on=["tariff", "currency"], how="full", coalesce=True)
        .sort("currency", *key[:3], nulls_last=True)
        .with_columns(
            pl.col("line_count", "charged", "expected", "variance").fill_null(0),
            invoiced=pl.when(first).then(pl.coalesce("invoiced", left_out)),
        )
        .with_columns(
            difference=pl.when(pl.col("invoiced").is_not_null()).then(pl.col("invoiced") - whole)
        )
        .select(pl.col(name).cast(dtype) for name, dtype in INVOICE_ROW.items())
    )


def _itemised(stated: pl.DataFrame) -> pl.Series:
    """The currencies in which every amount of the invoice names its tariff row."""
    by_currency = stated.group_by("currency").agg(pl.col("tariff").is_not_null().all())
    return by_currency.filter("tariff")["currency"]


def totals(fees: pl.DataFrame, stated: pl.DataFrame, against: Against = "charged") -> pl.DataFrame:
    """INVOICE_TOTAL by currency; null where the invoice states nothing in it, as where each
    currency has an invoice of its own."""
    summed = fees.group_by("currency").agg(pl.col("charged", "expected", "variance").sum())
    invoiced = stated.group_by("currency").agg(invoiced=pl.col("amount").sum())
    found = summed.join(invoiced, on="currency", how="full", coalesce=True).sort("currency")
    figures = ("charged", "expected", "variance")
    return (
        found.with_columns(pl.col(name).fill_null(ZERO) for name in figures)
        .with_columns(difference=pl.col("invoiced") - pl.col(against))
        .select(pl.col(name).cast(dtype) for name, dtype in INVOICE_TOTAL.items())
    )


def bridge(rows: pl.DataFrame, totals: pl.DataFrame, against: Against = "charged") -> pl.DataFrame:
    """INVOICE_STEP from what the tariff expects to what the invoice states, in each currency that
    it states; the steps between two totals add up to what they are apart."""
    steps = []
    for total in totals.drop_nulls("invoiced").iter_rows(named=True):
        currency = total["currency"]
        here = rows.filter(currency=currency)
        steps.append(_steps(currency, [("expected", None, total["expected"])]))
        if against == "charged":
            varying = here.group_by("tariff", maintain_order=True).agg(pl.col("variance").sum())
            steps.append(_changes(varying, currency, "charged_beside", "variance"))
            steps.append(_steps(currency, [("charged", None, total["charged"])]))
        named = here.drop_nulls("difference")
        rest = total["difference"] - sum(named["difference"])
        steps.append(_changes(named, currency, "invoiced_beside", "difference"))
        last = [("not_explained", None, rest)] if rest else []
        steps.append(_steps(currency, [*last, ("invoiced", None, total["invoiced"])]))
    return pl.concat([pl.DataFrame(schema=dict(INVOICE_STEP)), *steps])


def _changes(rows: pl.DataFrame, currency: str, step: str, amount: str) -> pl.DataFrame:
    moved = rows.filter(pl.col(amount) != ZERO).select("tariff", amount).iter_rows()
    return _steps(currency, [(step, tariff, change) for tariff, change in moved])


def _steps(currency: str, steps: list[tuple[str, str | None, Decimal]]) -> pl.DataFrame:
    rows = [(currency, *step) for step in steps]
    return pl.DataFrame(rows, schema=dict(INVOICE_STEP), orient="row")


def stated_total(amount: str, currency: str) -> pl.DataFrame:
    """STATED of an invoice that is one figure. Errors: UserError."""
    made = pl.DataFrame({"tariff": [None], "currency": [currency], "amount": [amount]})
    return parsed(made, f"--stated {amount}")


def parsed(texts: pl.DataFrame, where: str) -> pl.DataFrame:
    """STATED from columns of text. Errors: UserError naming the first bad row."""
    plain = pl.col("amount").str.contains(r"^-?\d{1,18}(\.\d{1,18})?$").fill_null(value=False)
    wrong = texts.with_row_index("row", offset=1).filter(~plain)
    if wrong.height:
        raise UserError(
            f"{where}: row {wrong['row'][0]}: {wrong['amount'][0]!r} is not a plain amount, "
            "e.g. 1234.56"
        )
    if texts["currency"].null_count():
        raise UserError(f"{where}: an amount has no currency; say which with --currency")
    unknown = texts.filter(~pl.col("currency").is_in(list(EXPONENT)))["currency"]
    if unknown.len():
        raise UserError(f"{where}: {unknown[0]!r} is no currency; write its code, e.g. USD")
    columns = [
        pl.col(name) if name in texts.columns else pl.lit(None).alias(name) for name in STATED
    ]
    return texts.select(columns).select(pl.col(n).cast(dtype) for n, dtype in STATED.items())
