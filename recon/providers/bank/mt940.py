"""MT940: tags at the start of lines. Our own reader, because every row must keep its line number
and a bad one must be a reject of its own, which no library offers.

A message starts at `:20:`; it has an account `:25:`, an opening balance `:60F:` (or `:60M:` on a
further page), entries `:61:` each with its text `:86:`, and a closing balance `:62F:` or `:62M:`.
`RC` is a credit reversed, hence money out; a letter after the mark is a funds code.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.bank.entries import BankStatement, Entry, reading, text_of
from recon.providers.bank.entries import places as places_of
from recon.providers.contract import Content, Description, Place, ReadContext, Reading

_TAG = re.compile(r"^:(\d{2}[A-Z]?):")
_BALANCE = re.compile(r"^([CD])(\d{6})([A-Z]{3})(\d+(?:[.,]\d*)?)")
_ENTRY = re.compile(
    r"^(\d{6})(\d{4})?(R?[CD])([A-Z])?(\d{1,15}(?:[.,]\d*)?)([A-Z][A-Z0-9]{3})?"
    r"([^/\n]*(?:/(?!/)[^/\n]*)*)(?://([^\n]*))?"
)
_SIGN = {"C": 1, "RD": 1, "D": -1, "RC": -1}
_KIND_BY_TYPE = {"CHG": "fee", "COM": "fee", "INT": "adjustment"}
_ENDS = ("-", "-}")


def describe(content: Content) -> Description | None:
    for encoding in ("utf-8", "latin-1"):
        try:
            lines = content.head_lines(encoding)
            last = content.tail_lines(encoding)
        except StatementError:
            continue
        tags = [found[1] for line in lines if (found := _TAG.match(line))]
        if "20" not in tags or not {"60F", "60M"} & set(tags):
            return None
        account = next((line[4:].strip() for line in lines if line.startswith(":25:")), None)
        closing = [_balance(line[5:]) for line in [*lines, *last] if line.startswith(":62F:")]
        day = closing[-1][0] if closing else None
        return Description(
            "mt940", account, None if day is None else one_day(day), encoding=encoding
        )
    return None


def read(content: Content, context: ReadContext) -> Reading:
    return reading(_all_statements(content), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return places_of(_all_statements(content))


def _all_statements(content: Content) -> list[BankStatement]:
    statements = list(_statements(text_of(content)))
    if not statements:
        raise StatementError(f"{content.name}: has no :20: tag, so there is no statement in it")
    return statements


def _fields(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, tag, value with its continuation lines)."""
    line_no, tag, value = 0, "", ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TAG.match(line):
            if tag:
                yield line_no, tag, value
            line_no, tag, value = number, found[1], line[found.end() :]
        elif tag and line.strip() not in _ENDS:
            value += "\n" + line
    if tag:
        yield line_no, tag, value


def _statements(text: str) -> Iterator[BankStatement]:
    message: list[tuple[int, str, str]] = []
    for item in _fields(text):
        if item[1] == "20" and message:
            yield _statement(message)
            message = []
        message.append(item)
    if message and any(tag == "20" for _, tag, _ in message):
        yield _statement(message)


def _statement(message: list[tuple[int, str, str]]) -> BankStatement:
    first = {tag: value for _, tag, value in reversed(message)}
    account = first.get("25", "").strip()
    number = first.get("28C", first.get("28", "")).strip()
    opened_on, currency, opening = _balance(first.get("60F", first.get("60M", "")))
    closed_on, _, closing = _balance(first.get("62F", first.get("62M", "")))
    entries: list[Entry] = []
    for place, (line_no, tag, value) in enumerate(message):
        if tag == "61":
            after = message[place + 1] if place + 1 < len(message) else (0, "", "")
            words = after[2] if after[1] == "86" else ""
            key = f"{number}:{closed_on or ''}:{len(entries) + 1}"
            entries.append(_entry(line_no, value, words, account, currency, key))
    return BankStatement(
        account=account,
        currency=currency,
        opening=opening,
        closing=closing,
        entries=tuple(entries),
        opened_on=opened_on,
        closed_on=closed_on,
    )


def _balance(text: str) -> tuple[date | None, str, Decimal | None]:
    found = _BALANCE.match(text.strip())
    if found is None:
        return None, "", None
    sign = 1 if found[1] == "C" else -1
    return _date(found[2]), found[3], sign * _decimal(found[4])


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", ".").rstrip(".") or "0")


def _date(text: str) -> date | None:
    """YYMMDD; some banks count thirty days in February."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


def _entry(line_no: int, value: str, words: str, account: str, currency: str, key: str) -> Entry:
    head, _, rest = value.partition("\n")
    text = " ".join(f"{words}\n{rest}".split())
    found = _ENTRY.match(head)
    if found is None:
        return Entry(line_no, account, None, currency, None, key, text=text, shown=head)
    value_on, booked, mark, _, amount, type_, reference, bank_reference = found.groups()
    return Entry(
        line_no=line_no,
        account=account,
        booked_on=_booked_on(value_on, booked),
        currency=currency,
        amount=_SIGN[mark] * _decimal(amount),
        key=key,
        kind=_KIND_BY_TYPE.get((type_ or "")[1:], "transfer"),
        bank_reference=(bank_reference or "").strip(),
        reference=_end_to_end(words) or (reference or "").strip(),
        text=text,
        shown=head,
    )


def _booked_on(value_on: str, booked: str | None) -> date | None:
    """The booking date has no year; it is the one nearest to the value date."""
    valued = _date(value_on)
    if booked is None:
        return valued
    year = 2000 + int(value_on[:2])
    near = [_date(f"{(year + offset) % 100:02}{booked}") for offset in (-1, 0, 1)]
    days = [day for day in near if day is not None]
    if valued is None:
        return _date(value_on[:2] + booked)
    return min(days, key=lambda day: abs((day - valued).days), default=valued)


def _end_to_end(words: str) -> str:
    """The reference of the payer in a structured text: `EREF+...` or `/EREF/...`."""
    found = re.search(r"EREF[+/]\s*([^+/?\n]+)", words)
    return found[1].strip() if found else ""
