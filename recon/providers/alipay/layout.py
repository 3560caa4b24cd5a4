"""What Alipay's bills share: GBK text, `#` lines above and below the table, tabs inside cells.

The first line says which bill it is, the next two whose and for which days (the end exclusive).
Amounts are in yuan. Brackets in column titles are full-width in most files and half-width in some.
"""

import re
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import Period, one_day
from recon.providers import checks, delimited
from recon.providers.contract import Content, Description

MARK = "#"
_ENCODINGS = ("utf-8", "gb18030")
_ACCOUNT = re.compile(r"账号：\[(\d+)\]")
_DAYS = re.compile(r"日期：\[(\d{4})年(\d{2})月(\d{2})日")


def describe(content: Content, kind: str, title: str) -> Description | None:
    """A bill whose first line is `#` and `title`."""
    for encoding in _ENCODINGS:
        try:
            lines = content.head_lines(encoding)
        except StatementError:
            continue
        if not lines or lines[0].strip().rstrip(",") != MARK + title:
            return None
        above = "".join(lines[1:4])
        account = _ACCOUNT.search(above)
        return Description(kind, account[1] if account else None, _period(above), encoding=encoding)
    return None


def _period(text: str) -> Period | None:
    try:
        days = [date(int(y), int(m), int(d)) for y, m, d in _DAYS.findall(text)]
    except ValueError:
        return None
    if len(days) < 2:
        return None
    last = days[1] - timedelta(days=1)
    return one_day(days[0]) if last <= days[0] else Period(days[0], last)


def table_of(content: Content, needed: Collection[str]) -> delimited.Table:
    """Errors: StatementError when no line names the columns that are needed."""
    lines = [
        line.replace("(", "（").replace(")", "）") for line in content.head_lines("utf-8")[:20]
    ]
    table = delimited.find_table(lines, needed, comment=MARK)
    if table is None:
        header = next((line for line in lines if not line.startswith(MARK)), "")
        found = delimited.split_line(header)
        missing = [name for name in needed if name not in found]
        raise StatementError(f"{content.name}: the header has no column {', '.join(missing)}")
    return table


def footer(content: Content, name: str) -> tuple[Decimal | None, ...]:
    """The numbers of a line like `#交易合计：6笔，商家实收共0.06元，...`; nothing without it."""
    for line in content.tail_lines("utf-8"):
        if line.startswith(f"{MARK}{name}："):
            return tuple(Decimal(text) for text in re.findall(r"(-?\d+(?:\.\d+)?)(?:笔|元)", line))
    return ()


def amount(name: str) -> pl.Expr:
    """An amount without its sign, which each bill tells in another way; an empty one is nothing."""
    text = pl.col(name)
    return pl.when(text == "").then(money.ZERO).otherwise(money.parse(text, decimals=2).abs())


def moment(name: str) -> pl.Expr:
    return checks.local_time(pl.col(name))
