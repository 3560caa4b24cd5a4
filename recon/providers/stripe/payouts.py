"""The itemized payouts report: no movement of its own, only what each payout comes to.

Its amounts are those the reconciliation report must add up to, payout by payout, which is all it is
read for: the payout itself is a movement that the bank's statement shows.
"""

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import (
    Content,
    Description,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)
from recon.tables import CONTROL_TOTAL, STATEMENT_LINE, columns_of, empty

_NEEDED = ["payout_id", "effective_at", "currency", "gross"]


def describe(content: Content) -> Description | None:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        return None
    row = delimited.first_row(content, table)
    try:
        return Description("payouts", None, one_day(day_of(row.get("effective_at", ""))))
    except ValueError:
        return Description("payouts")


def read(content: Content, context: ReadContext) -> Reading:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        raise StatementError(f"{content.name}: not an itemized payouts report")
    rows = delimited.rows(content, table, _NEEDED).with_columns(
        currency=pl.col("currency").str.to_uppercase(),
        amount=money.parse(pl.col("gross"), decimals=6).abs(),
    )
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check("gross", pl.col("gross"), pl.col("amount").is_not_null(), "not an amount"),
    ]
    good, rejects = checks.parts(checks.judged(rows, found), found, content.file_id)
    controls = good.select(
        file_id=pl.lit(content.file_id),
        name=pl.lit("payout ") + pl.col("payout_id"),
        currency="currency",
        stated="amount",
        computed=money.ZERO,
    )
    return Reading(
        lines=empty(STATEMENT_LINE).lazy(),
        rejects=rejects,
        controls=controls.select(columns_of(CONTROL_TOTAL)),
        balances=no_balances(),
    )
