"""BAI2: numbered records, amounts as whole numbers of the currency's smallest unit.

The type code tells the sign: 100 to 399 are credits, 400 to 699 debits. Account, group and file
each end with the sum of all amounts in them, which is checked, as is opening + entries = closing; a
file that ends before its trailer, or lacks a group or an account that its trailers count, is cut.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.bank import entries
from recon.providers.bank.entries import ENTRY, BankFile, BankStatement, short_date
from recon.providers.contract import Content, Description, Place, ReadContext, Reading
from recon.tables import columns_of

_HEADER: Final = re.compile(r"^01,[^,]*,[^,]*,\d{6},")
_OPENING, _CLOSING = "010", "015"
_KIND_BY_CODE: Final = {"698": "fee", "354": "adjustment", "654": "adjustment"}
_FIELDS_AFTER_FUNDS: Final = {"V": 2, "S": 3}  # value date and time; three availabilities


def describe(content: Content) -> Description | None:
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return None
    if not lines or not _HEADER.match(lines[0]):
        return None
    accounts = [line.split(",")[1] for line in lines if line.startswith("03,")]
    days = {short_date(line.split(",")[4]) for line in lines if line.startswith("02,")}
    day = max((day for day in days if day), default=None)
    return Description(
        "bai2", accounts[0] if accounts else None, None if day is None else one_day(day)
    )


def read(content: Content, context: ReadContext) -> Reading:
    return entries.reading(_file(content), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return entries.places(_file(content))


def _file(content: Content) -> BankFile:
    records = _records(content)
    if lacking := _lacking(records):
        raise StatementError(f"{content.name}: the file is cut: {lacking}")
    statements = _statements(records)
    return BankFile(statements, _entries(records, statements))


def _lacking(records: pl.DataFrame) -> str | None:
    """What the trailers promise and the file has not: accounts are summed and counted in groups
    (98), groups in the file (99)."""
    if records.is_empty() or records["code"][-1] != "99":
        return "it ends before its trailer (record 99)"
    seen = {"49": (0, 0), "98": (0, 0)}  # of the accounts of a group, and of the groups: sum, count
    told = records.filter(pl.col("code").is_in(["49", "98", "99"])).select("code", "cells")
    for code, cells in told.iter_rows():
        total, count = (_whole(text) for text in (*cells[1:3], "", "")[:2])
        if code in ("98", "99"):
            inside, name = ("49", "accounts") if code == "98" else ("98", "groups")
            if (total, count) != seen[inside]:
                return (
                    f"record {code} states {count} {name} of {total}, there are {seen[inside][1]} "
                    f"of {seen[inside][0]}"
                )
            seen[inside] = (0, 0)
        if code in seen and total is not None:
            seen[code] = (seen[code][0] + total, seen[code][1] + 1)
    return None


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[+-]?\d{1,24}", text) else None


def _records(content: Content) -> pl.DataFrame:
    """statement (from 0), record (its place), line_no, code, cells: continuations (88) joined to
    what they continue."""
    lines = pl.scan_lines(
        content.scannable, name="line", row_index_name="line_no", row_index_offset=1, glob=False
    )
    body = pl.col("line").str.strip_prefix("\ufeff").str.strip_chars()
    follows = pl.col("body").str.starts_with("88,")
    return (
        lines.with_columns(body=body)
        .filter(pl.col("body") != "")
        .with_columns(record=(~follows).cum_sum())
        .group_by("record", maintain_order=True)
        .agg(
            pl.col("line_no").first(),
            text=pl.col("body").str.strip_suffix("/").str.strip_prefix("88,").str.join(","),
        )
        .with_columns(cells=pl.col("text").str.split(","))
        .with_columns(
            code=pl.col("cells").list.first(),
            statement=(pl.col("cells").list.first() == "03").cum_sum().cast(pl.Int64) - 1,
        )
        .select("statement", "record", "line_no", "code", "cells")
        .collect()
    )


def _statements(records: pl.DataFrame) -> tuple[BankStatement, ...]:
    """Every account of every group, as its first and last record tell it."""
    found: list[BankStatement] = []
    day, group_currency = None, ""
    told = records.filter(pl.col("code") != "16").select("code", "cells").iter_rows()
    for code, texts in told:
        cells = [text.strip() for text in texts]
        if code == "02":
            day = short_date(cells[4]) if len(cells) > 4 else None
            group_currency = cells[6] if len(cells) > 6 else ""
        elif code == "03":
            currency = (cells[2] if len(cells) > 2 else "") or group_currency or "USD"
            found.append(_opened(cells, currency, day))
        elif code == "49" and found:
            stated = _amount(cells[1], found[-1].currency) if len(cells) > 1 else None
            balances = Decimal(0) if found[-1].control is None else found[-1].control[1]
            found[-1] = _closed(found[-1], stated, balances)
    return tuple(found)


def _opened(cells: list[str], currency: str, day: date | None) -> BankStatement:
    amounts = _summary(cells[3:], currency)
    known = dict(amounts)
    total = sum((amount for _, amount in amounts if amount is not None), Decimal(0))
    return BankStatement(
        account=cells[1] if len(cells) > 1 else "",
        currency=currency,
        opening=known.get(_OPENING),
        closing=known.get(_CLOSING),
        closed_on=day,
        control=(None, total),
    )


def _closed(one: BankStatement, stated: Decimal | None, balances: Decimal) -> BankStatement:
    return BankStatement(
        one.account, one.currency, one.opening, one.closing, closed_on=one.closed_on,
        control=(stated, balances),
    )  # fmt: skip


def _amount(text: str, currency: str) -> Decimal | None:
    if not re.fullmatch(r"[+-]?\d{1,18}", text):
        return None
    return Decimal(text).scaleb(-money.EXPONENT.get(currency, 2))


def _summary(cells: list[str], currency: str) -> list[tuple[str, Decimal | None]]:
    """(type code, amount) of the balances and totals an account record lists."""
    found, place = [], 0
    while place + 1 < len(cells):
        code, text = cells[place], cells[place + 1]
        if code:
            found.append((code, _amount(text or "0", currency)))
        place += 3  # code, amount, item count
        funds = cells[place] if place < len(cells) else ""
        place += 1 + _after_funds(funds, cells, place)
    return found


def _after_funds(funds: str, cells: list[str], place: int) -> int:
    if funds == "D":  # a distribution: how many pairs, then the pairs
        count = cells[place + 1] if place + 1 < len(cells) else "0"
        return 1 + 2 * (int(count) if count.isdecimal() else 0)
    return _FIELDS_AFTER_FUNDS.get(funds, 0)


def _entries(records: pl.DataFrame, statements: tuple[BankStatement, ...]) -> pl.DataFrame:
    """ENTRY from the records 16 of an account."""
    facts = [
        (place, one.currency, one.closed_on, str(one.closed_on), _places(one.currency))
        for place, one in enumerate(statements)
    ]
    schema = {
        "statement": pl.Int64, "currency": pl.String, "booked_on": pl.Date, "day": pl.String,
        "places": pl.Int32,
    }  # fmt: skip
    owners = pl.LazyFrame(facts, schema=schema, orient="row")

    def cell(place: pl.Expr | int) -> pl.Expr:
        text = pl.col("cells").list.get(place, null_on_oob=True)
        return text.str.strip_chars().fill_null("")

    pairs = pl.col("pair_count").cast(pl.Int64, strict=False).fill_null(0)
    after_funds = (
        pl.when(pl.col("funds") == "D")
        .then(1 + 2 * pairs)
        .otherwise(pl.col("funds").replace_strict(_FIELDS_AFTER_FUNDS, default=0))
    )
    code, words = pl.col("type"), pl.col("cells").list.slice(pl.col("after") + 2)
    is_debit = code.is_between(pl.lit("400"), pl.lit("699"))
    is_known = is_debit | code.is_between(pl.lit("100"), pl.lit("399"))
    kind = code.replace_strict(_KIND_BY_CODE, default="transfer")
    amount = _minor_units(pl.col("digits"))
    return (
        records.lazy()
        .filter(pl.col("code") == "16", pl.col("statement") >= 0)
        .with_columns(type=cell(1), digits=cell(2), funds=cell(3), pair_count=cell(4))
        .with_columns(after=4 + after_funds)
        .join(owners, on="statement", how="left", validate="m:1", maintain_order="left")
        .select(
            "statement",
            "line_no",
            "booked_on",
            "currency",
            number="record",
            amount=pl.when(is_debit).then(-amount).otherwise(amount),
            key=pl.concat_str(["day", pl.col("record") - 1], separator=":"),
            kind=pl.when(is_known).then(kind).otherwise(pl.lit("")),
            status=pl.lit("succeeded"),
            bank_reference=cell(pl.col("after")),
            reference=cell(pl.col("after") + 1),
            text=words.list.eval(
                pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != "")
            ).list.join(", "),
            shown=pl.concat_str(["type", "digits"], separator=" "),
        )
        .select(columns_of(ENTRY))
        .collect()
    )


def _places(currency: str) -> int:
    return money.EXPONENT.get(currency, 2)


def _minor_units(text: pl.Expr) -> pl.Expr:
    """Whole units with `places` decimals; null for anything but digits, with or without a sign."""
    is_whole = text.str.contains(r"^[+-]?\d{1,18}$")
    scaled = pl.concat_str([text.str.strip_prefix("+"), "places"], separator="e-")
    return pl.when(is_whole).then(scaled.cast(money.MONEY, strict=False))
