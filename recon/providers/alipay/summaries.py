"""The summaries (汇总) that come beside both bills: no movement, only sums by store or by type.

They are read so that the zip may be dropped as it comes; their last row, 合计, must be the sum of
the rows above it.
"""

from collections.abc import Callable

import polars as pl

from recon import money
from recon.providers import checks, delimited
from recon.providers.alipay import layout
from recon.providers.contract import Content, Description, ReadContext, Reading, no_balances
from recon.tables import STATEMENT_LINE, empty

_TITLES = {"trade_summary": "支付宝业务汇总查询", "account_summary": "支付宝账务汇总查询"}
_FIRST = {"trade_summary": "门店编号", "account_summary": "类型"}
_TOTAL = "合计"


def describer(kind: str) -> Callable[[Content], Description | None]:
    """`describe` of one of the two summaries."""

    def describe(content: Content) -> Description | None:
        return layout.describe(content, kind, _TITLES[kind])

    return describe


def read(content: Content, context: ReadContext) -> Reading:
    kind = next(kind for kind in _TITLES if describer(kind)(content))
    table = layout.table_of(content, [_FIRST[kind]])
    summed = [name for name in table.header if "笔" in name or "（" in name]
    rows = delimited.rows(content, table, [_FIRST[kind], *summed]).with_columns(
        is_total=pl.col(_FIRST[kind]).str.starts_with(_TOTAL),
        **{f"{name}.money": _number(name) for name in summed},
    )
    found = [checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells")]
    found += [
        checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not a number")
        for name in summed
    ]
    good, rejects = checks.parts(checks.judged(rows, found), found, content.file_id)
    total = pl.col("is_total")
    totals = good.select(
        *(pl.col(f"{name}.money").filter(~total).sum().alias(name) for name in summed),
        *(pl.col(f"{name}.money").filter(total).first().alias(f"{name}.stated") for name in summed),
    )
    stated = [(name, None if "笔" in name else "CNY", pl.col(f"{name}.stated")) for name in summed]
    return Reading(
        lines=empty(STATEMENT_LINE).lazy(),
        rejects=rejects,
        controls=checks.control_totals(totals, stated, content.file_id),
        balances=no_balances(),
    )


def _number(name: str) -> pl.Expr:
    text = pl.col(name)
    return pl.when(text == "").then(money.ZERO).otherwise(money.parse(text, decimals=2))
