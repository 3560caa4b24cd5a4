"""BAI2: numbered records, amounts as whole numbers of the currency's smallest unit.

The type code tells the sign: 100 to 399 are credits, 400 to 699 debits. Account, group and file
each end with the sum of all amounts in them, which is checked, as is opening + entries = closing.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.bank.entries import BankStatement, Entry, reading, text_of
from recon.providers.bank.entries import places as places_of
from recon.providers.contract import Content, Description, Place, ReadContext, Reading

_HEADER = re.compile(r"^01,[^,]*,[^,]*,\d{6},")
_OPENING, _CLOSING = "010", "015"
_KIND_BY_CODE = {"698": "fee", "354": "adjustment", "654": "adjustment"}
_FIELDS_AFTER_FUNDS = {"V": 2, "S": 3}  # value date and time; three availabilities


def describe(content: Content) -> Description | None:
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return None
    if not lines or not _HEADER.match(lines[0]):
        return None
    accounts = [line.split(",")[1] for line in lines if line.startswith("03,")]
    days = {_date(line.split(",")[4]) for line in lines if line.startswith("02,")}
    day = max((day for day in days if day), default=None)
    return Description(
        "bai2", accounts[0] if accounts else None, None if day is None else one_day(day)
    )


def read(content: Content, context: ReadContext) -> Reading:
    return reading(list(_statements(text_of(content))), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return places_of(list(_statements(text_of(content))))


def _date(text: str) -> date | None:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells): continuations (88) joined to what they continue."""
    line_no, joined = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        body = line.strip()
        if body.startswith("88,"):
            joined = joined.removesuffix("/") + "," + body[3:]
            continue
        if joined:
            yield line_no, _cells(joined)
        line_no, joined = number, body
    if joined:
        yield line_no, _cells(joined)


def _cells(record: str) -> list[str]:
    return [cell.strip() for cell in record.removesuffix("/").split(",")]


def _statements(text: str) -> Iterator[BankStatement]:
    day, group_currency = None, ""
    account: tuple[str, str] | None = None
    amounts: list[tuple[str, Decimal | None]] = []
    entries: list[Entry] = []
    for number, (line_no, cells) in enumerate(_records(text)):
        if cells[0] == "02":
            day = _date(cells[4]) if len(cells) > 4 else None
            group_currency = cells[6] if len(cells) > 6 else ""
        elif cells[0] == "03":
            account = (cells[1], (cells[2] if len(cells) > 2 else "") or group_currency or "USD")
            amounts, entries = _summary(cells[3:], account[1]), []
        elif cells[0] == "16" and account is not None:
            entries.append(_entry(line_no, cells, account, day, f"{day}:{number}"))
        elif cells[0] == "49" and account is not None:
            yield replace(_statement(account, amounts, entries, cells), closed_on=day)
            account = None


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


def _entry(
    line_no: int, cells: list[str], account: tuple[str, str], day: date | None, key: str
) -> Entry:
    cells = [*cells, "", "", ""]
    code, shown, funds = cells[1], cells[2], cells[3]
    after = 4 + _after_funds(funds, cells, 3)
    amount = _amount(shown, account[1])
    is_credit, is_debit = "100" <= code <= "399", "400" <= code <= "699"
    return Entry(
        line_no=line_no,
        account=account[0],
        booked_on=day,
        currency=account[1],
        amount=-amount if amount is not None and is_debit else amount,
        key=key,
        kind=_KIND_BY_CODE.get(code, "transfer") if is_credit or is_debit else "",
        bank_reference=cells[after] if after < len(cells) else "",
        reference=cells[after + 1] if after + 1 < len(cells) else "",
        text=", ".join(cell for cell in cells[after + 2 :] if cell),
        shown=f"{code} {shown}",
    )


def _statement(
    account: tuple[str, str],
    amounts: list[tuple[str, Decimal | None]],
    entries: list[Entry],
    trailer: list[str],
) -> BankStatement:
    known = dict(amounts)
    total = sum((amount for _, amount in amounts if amount is not None), Decimal(0))
    total += sum((abs(one.amount) for one in entries if one.amount is not None), Decimal(0))
    stated = _amount(trailer[1], account[1]) if len(trailer) > 1 else None
    return BankStatement(
        account=account[0],
        currency=account[1],
        opening=known.get(_OPENING),
        closing=known.get(_CLOSING),
        entries=tuple(entries),
        totals=(("control total", stated, total),),
    )
