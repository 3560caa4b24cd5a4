"""A first description of a source without code, from one of its files; a person completes it."""

import codecs
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recon.errors import UserError
from recon.providers.delimited import split_line

_ENCODINGS: Final = ("utf-8", "gb18030", "cp1252")
_SEPARATORS: Final = (",", ";", "\t", "|")
_FEW: Final = 10
_LINES: Final = 200

# What columns are called, in lower case; the first of them that a header has is taken.
_WORDS: Final = {
    "date": (
        "交易日期",
        "记账日期",
        "日期",
        "交易时间",
        "booking date",
        "date",
        "datum",
        "created",
    ),
    "time": ("时间", "time", "uhrzeit"),
    "currency": ("币种", "货币", "交易币种", "记账币种", "currency", "währung", "ccy"),
    "income": ("收入", "贷方", "credit", "haben", "income"),
    "expense": ("支出", "借方", "debit", "soll", "expense"),
    "amount": ("交易金额", "金额", "amount", "betrag", "gross", "net"),
    "fee": ("手续费", "服务费", "fee", "entgelt", "gebühr"),
    "balance": ("余额", "balance", "saldo"),
    "txn_id": ("流水号", "交易号", "单号", "transaction id", "transaktion", "txn", "id"),
    "merchant_ref": ("商户单号", "订单号", "reference", "referenz", "order"),
    "kind": ("交易类型", "摘要", "type", "vorgang", "kind", "category"),
    "description": ("对方户名", "对手信息", "备注", "description", "text", "counterparty"),
}


@dataclass(frozen=True)
class _Header:
    names: list[str]
    first_row: list[str]
    line_no: int


def draft(slug: str, path: Path) -> str:
    """The text of configs/providers/<slug>.toml. Errors: UserError for a file that has no header of
    a table, and for one that is no text."""
    text, encoding = _text(path)
    lines = text.splitlines()[:_LINES]
    separator = max(
        _SEPARATORS, key=lambda one: max((line.count(one) for line in lines), default=0)
    )
    header = _header(lines, separator)
    if header is None:
        raise UserError(
            f"{path}: no line looks like the header of a table; for a workbook, JSON or columns of "
            "fixed width start from the example in recon/providers/README.md"
        )
    found = {role: name for role in _WORDS if (name := _column(header.names, role)) is not None}
    return _written(slug, header, found, encoding, separator)


def _text(path: Path) -> tuple[str, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    foreign = sum(byte > 127 for byte in data)
    for encoding in _ENCODINGS:
        if encoding == "gb18030" and foreign * _FEW < len(data):
            continue  # a few accents; a Chinese file has more
        try:
            text = data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, codecs.lookup(encoding).name
    raise UserError(f"{path} is no text in any of {', '.join(_ENCODINGS)}")


def _header(lines: list[str], separator: str) -> _Header | None:
    """The first line of several cells that name something and are followed by as many."""
    for number, line in enumerate(lines[:-1], start=1):
        names = split_line(line, separator)
        below = next(csv.reader([lines[number]], delimiter=separator), [])
        named = [name for name in names if name and not any(letter.isdigit() for letter in name)]
        known = sum(_column(names, role) is not None for role in ("date", "amount", "income"))
        if len(named) >= 3 and known >= 2 and abs(len(below) - len(names)) <= 1:
            return _Header(names, [cell.strip() for cell in below], number)
    return None


def _column(names: list[str], role: str) -> str | None:
    lowered = {name.lower(): name for name in names if name}
    for word in _WORDS[role]:
        for name in lowered:
            if (
                name == word
                or (len(word) > 2 and word in name)
                or (word.isascii() and name == word)
            ):
                return lowered[name]
        for name in lowered:
            if not word.isascii() and word in name:
                return lowered[name]
    return None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _written(
    slug: str, header: _Header, found: dict[str, str], encoding: str, separator: str
) -> str:
    cells = dict(zip(header.names, header.first_row, strict=False))
    day = cells.get(found.get("date", ""), "")
    amount = cells.get(found.get("amount", found.get("income", "")), "")
    lines = [
        f"# Drafted from line {header.line_no} of a file. DECIDE marks what it cannot tell; but",
        "# look at every line. recon/io/README.md explains the settings.",
        "[provider]",
        f"title = {_quoted(slug)}",
        "",
        "[source]",
        'channel = "folder"',
        f'path = "statements/{slug}"            # DECIDE: where the files are',
        "",
        "[[account]]",
        'account = "1"                          # DECIDE: your number there',
        f"title = {_quoted(slug)}",
        'time_zone = "UTC"                      # DECIDE',
        'statements = ["export"]',
        "",
        "[[statement]]",
        'name = "export"',
        f"title = {_quoted(slug + ' export')}",
        'time_zone = "UTC"                      # DECIDE',
        f"encoding = {_quoted(encoding)}{'' if encoding == 'utf-8' else '   # DECIDE'}",
        f"separator = {_quoted(separator)}",
        *(["trailing_separator = true"] if len(header.first_row) > len(header.names) else []),
        f"date_column = {_quoted(found.get('date', header.names[0]))}",
        f"date_format = {_quoted(_date_format(day))}            # the first row has {_quoted(day)}",
        *_optional(found, "time", "time_column"),
        *_optional(found, "currency", "currency_column"),
        *([] if "currency" in found else ['currency = "CNY"                       # DECIDE']),
        *([f"description = [{_quoted(found['description'])}]"] if "description" in found else []),
        "",
        "[statement.columns]",
        *_optional(found, "txn_id", "txn_id"),
        *_optional(found, "merchant_ref", "merchant_ref"),
        "",
        "[statement.numbers]",
        *_numbers(amount),
        "",
        "[statement.amount]",
        *_amounts(found),
        *_optional(found, "fee", "fee"),
        *_optional(found, "balance", "balance"),
        "",
        "[[statement.kind]]",
        'kind = "transfer"                      # DECIDE: every row is one, but for rules that are',
        f"# put before this one, by the words of {_quoted(found.get('kind', 'a column'))}",
        "",
    ]
    return "\n".join(lines)


def _optional(found: dict[str, str], role: str, setting: str) -> list[str]:
    return [f"{setting} = {_quoted(found[role])}"] if role in found else []


def _date_format(text: str) -> str:
    date = text[:10].strip()
    if len(date) >= 8 and date.isdecimal():
        form = "%Y%m%d"
    elif "." in date:
        form = "%d.%m.%Y"
    else:
        form = "%Y/%m/%d" if "/" in date else "%Y-%m-%d"
    clock = text[10:].strip()
    return f"{form} %H:%M:%S" if clock.count(":") == 2 else form


def _numbers(amount: str) -> list[str]:
    if "," in amount and ("." not in amount or amount.rindex(",") > amount.rindex(".")):
        return ['decimal = ","', 'thousands = "."']
    return ['thousands = ","', 'blank = ["-"]']


def _amounts(found: dict[str, str]) -> list[str]:
    if "income" in found and "expense" in found:
        return [f"income = {_quoted(found['income'])}", f"expense = {_quoted(found['expense'])}"]
    return [f"column = {_quoted(found.get('amount', 'DECIDE'))}"]
