"""A month's fees by tariff row against the provider's invoice for them."""

from typing import Final

import polars as pl

from recon.errors import UserError
from recon.money import MONEY, ZERO
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
    "difference": MONEY,  # invoiced - charged
}

INVOICE_TOTAL: Final[Schema] = {
    "currency": pl.String(),
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,
    "invoiced": MONEY,
    "difference": MONEY,
}

STATED: Final[Schema] = {"tariff": pl.String(), "currency": pl.String(), "amount": MONEY}


def rows(fees: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """FEE_SUMMARY of days and STATED lines of an invoice -> INVOICE_ROW.

    An invoice that names tariff rows is compared row by row, with what it names and nobody has
    charged as rows of its own; one that states totals only is compared by `totals`.
    """
    key = ["tariff", "component", "kind", "currency"]
    summed = fees.group_by(key).agg(pl.col("line_count", "charged", "expected", "variance").sum())
    named = stated.filter(pl.col("tariff").is_not_null())
    by_tariff = named.group_by("tariff", "currency").agg(invoiced=pl.col("amount").sum())
    # A tariff row's kinds and taxes are one position of an invoice: the first row bears it.
    first = pl.int_range(pl.len()).over("tariff", "currency") == 0
    whole = pl.col("charged").sum().over("tariff", "currency")
    return (
        summed.sort("currency", *key[:3])
        .join(by_tariff, on=["tariff", "currency"], how="full", coalesce=True)
        .sort("currency", *key[:3], nulls_last=True)
        .with_columns(
            pl.col("line_count", "charged", "expected", "variance").fill_null(0),
            invoiced=pl.when(first).then("invoiced"),
        )
        .with_columns(
            difference=pl.when(pl.col("invoiced").is_not_null()).then(pl.col("invoiced") - whole)
        )
        .select(pl.col(name).cast(dtype) for name, dtype in INVOICE_ROW.items())
    )


def totals(fees: pl.DataFrame, stated: pl.DataFrame, *, against: str = "charged") -> pl.DataFrame:
    """INVOICE_TOTAL by currency; the difference is to what was `charged`, or `expected`."""
    summed = fees.group_by("currency").agg(pl.col("charged", "expected", "variance").sum())
    invoiced = stated.group_by("currency").agg(invoiced=pl.col("amount").sum())
    found = summed.join(invoiced, on="currency", how="full", coalesce=True).sort("currency")
    figures = ("charged", "expected", "variance", "invoiced")
    return found.with_columns(pl.col(name).fill_null(ZERO) for name in figures).select(
        *(pl.col(name).cast(dtype) for name, dtype in INVOICE_TOTAL.items() if name in found),
        difference=pl.col("invoiced") - pl.col(against),
    )


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
    columns = [
        pl.col(name) if name in texts.columns else pl.lit(None).alias(name) for name in STATED
    ]
    return texts.select(columns).select(pl.col(n).cast(dtype) for n, dtype in STATED.items())
