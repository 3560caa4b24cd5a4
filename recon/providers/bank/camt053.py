"""camt.053, any version: entries and balances of one or more statements, read as they stream by.

Balances tie on the entries. An entry may have details; they are the lines where all of them state
an amount and add up to the entry, which is how a batch is matched one by one. Only what is booked
counts. A document type definition is refused: no bank sends one, and attacks need one.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.bank.entries import BankStatement, Entry, reading
from recon.providers.bank.entries import places as places_of
from recon.providers.contract import Content, Description, Place, ReadContext, Reading

_MARK = re.compile(rb"<(?:\w+:)?BkToCstmrStmt[\s>]")
_ACCOUNT = re.compile(rb"<(?:\w+:)?Acct>.*?<(?:\w+:)?(?:IBAN|Id)>\s*([^<\s][^<]*?)\s*<", re.DOTALL)
_CLOSING = re.compile(
    rb"<(?:\w+:)?Cd>CLBD<.*?<(?:\w+:)?(?:Dt|DtTm)>\s*(?:<(?:\w+:)?Dt>)?(\d{4}-\d\d-\d\d)", re.DOTALL
)
_FEE_CODES = frozenset({"CHRG", "COMM", "FEES"})  # sub-families of bank transaction codes
_OPENING, _CLOSED = ("OPBD", "PRCD"), ("CLBD",)


def describe(content: Content) -> Description | None:
    if not _MARK.search(content.head):
        return None
    account = _ACCOUNT.search(content.head)
    closing = _CLOSING.search(content.head) or _CLOSING.search(content.tail)
    try:
        day = date.fromisoformat(closing[1].decode()) if closing else None
    except ValueError:
        day = None
    return Description(
        "camt053",
        account[1].decode("utf-8", "replace") if account else None,
        None if day is None else one_day(day),
    )


def read(content: Content, context: ReadContext) -> Reading:
    return reading(_all_statements(content), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return places_of(_all_statements(content))


def _all_statements(content: Content) -> list[BankStatement]:
    try:
        statements = list(_statements(content))
    except etree.XMLSyntaxError as error:
        raise StatementError(
            f"{content.name}: is no whole XML document ({error.msg}); fetch it again"
        ) from None
    if not statements:
        raise StatementError(f"{content.name}: has no statement in it")
    return statements


def _statements(content: Content) -> Iterator[BankStatement]:
    source = content.scannable
    events = etree.iterparse(
        io.BytesIO(source) if isinstance(source, bytes) else source,
        events=("end",),
        tag=("{*}Ntry", "{*}Stmt"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    read_so_far: list[Entry] = []
    for _, element in events:
        if element.getroottree().docinfo.doctype:
            raise StatementError(f"{content.name}: has a DOCTYPE, which no bank statement needs")
        if etree.QName(element).localname == "Ntry":
            read_so_far += _entries(element, len(read_so_far) + 1)
            _forget(element)
        else:
            yield _statement(element, read_so_far)
            read_so_far = []
            element.clear()


def _forget(entry: etree._Element) -> None:
    """Free an entry and the ones before it, so that a statement of any size takes little memory."""
    entry.clear()
    before, parent = entry.getprevious(), entry.getparent()
    if parent is not None and before is not None and etree.QName(before).localname == "Ntry":
        parent.remove(before)


def _text(element: etree._Element | None, *paths: str) -> str:
    """The first of some paths that has a text; names are those of any version."""
    for path in paths:
        if element is not None:
            steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
            found = element.findtext(steps)
            if found and found.strip():
                return str(found).strip()
    return ""


def _amount(element: etree._Element | None, path: str) -> tuple[Decimal | None, str, str]:
    """(amount, currency, text) of an element with a Ccy; without a sign."""
    found = None if element is None else element.find(f"{{*}}{path.replace('/', '/{*}')}")
    if found is None:
        return None, "", ""
    text = (found.text or "").strip()
    try:
        amount = Decimal(text) if re.fullmatch(r"\d{1,18}(?:\.\d{1,5})?", text) else None
    except InvalidOperation:
        amount = None
    return amount, found.get("Ccy", ""), text


def _signed(element: etree._Element, amount: Decimal | None) -> Decimal | None:
    return -amount if amount is not None and _text(element, "CdtDbtInd") == "DBIT" else amount


def _line_of(element: etree._Element) -> int:
    line: Any = element.sourceline
    return int(line or 0)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _entries(element: etree._Element, number: int) -> list[Entry]:
    amount, currency, shown = _amount(element, "Amt")
    entry = Entry(
        line_no=_line_of(element),
        account="",
        booked_on=_day(_text(element, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")),
        currency=currency,
        amount=_signed(element, amount),
        key=str(number),
        kind=_kind(element),
        status=_status(_text(element, "Sts/Cd", "Sts")),
        bank_reference=_text(element, "AcctSvcrRef", "NtryRef"),
        text=_text(element, "AddtlNtryInf"),
        shown=shown,
    )
    details = element.findall("{*}NtryDtls/{*}TxDtls")
    parts = [_detail(entry, element, detail, place) for place, detail in enumerate(details, 1)]
    stated = [part.amount for part in parts if part.amount is not None]
    if len(parts) > 1 and len(stated) == len(parts) and sum(stated) == entry.amount:
        return parts
    if len(parts) == 1:
        return [replace(parts[0], amount=entry.amount, currency=currency, key=entry.key)]
    return [entry]


def _detail(entry: Entry, element: etree._Element, detail: etree._Element, place: int) -> Entry:
    amount, currency, _ = _amount(detail, "Amt")
    if amount is None:
        amount, currency, _ = _amount(detail, "AmtDtls/TxAmt/Amt")
    direction = detail if _text(detail, "CdtDbtInd") else element
    words = [found.text or "" for found in detail.iterfind("{*}RmtInf/{*}Ustrd")]
    words += [_text(detail, "RmtInf/Strd/CdtrRefInf/Ref"), _text(detail, "AddtlTxInf"), entry.text]
    return replace(
        entry,
        key=f"{entry.key}.{place}",
        currency=currency or entry.currency,
        amount=_signed(direction, amount) if currency in ("", entry.currency) else None,
        bank_reference=_text(detail, "Refs/AcctSvcrRef") or entry.bank_reference,
        reference=_text(detail, "Refs/EndToEndId", "Refs/InstrId", "Refs/TxId"),
        text=" ".join(" ".join(words).split()),
    )


def _kind(element: etree._Element) -> str:
    domain = "BkTxCd/Domn/Fmly"
    if _text(element, f"{domain}/SubFmlyCd") in _FEE_CODES:
        return "fee"
    return "adjustment" if _text(element, f"{domain}/SubFmlyCd") == "INTR" else "transfer"


def _status(text: str) -> str:
    """Statements of some versions do not tell a status: what they list is booked."""
    return "succeeded" if text in ("", "BOOK") else "pending"


def _statement(element: etree._Element, found: list[Entry]) -> BankStatement:
    account = _text(element, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
    number = _text(element, "Id")
    opening, closing = _balance(element, _OPENING), _balance(element, _CLOSED)
    currency = _text(element, "Acct/Ccy") or opening[1] or closing[1]
    same = opening[1] == closing[1]
    since = _day(_text(element, "FrToDt/FrDtTm"))
    count = _text(element, "TxsSummry/TtlNtries/NbOfNtries")
    known = [replace(one, account=account, key=f"{number}:{one.key}") for one in found]
    counted = {one.key.split(".")[0] for one in found}
    return BankStatement(
        account=account,
        currency=currency,
        opening=opening[0] if same else None,
        closing=closing[0] if same else None,
        entries=tuple(known),
        opened_on=opening[2] if since is None else since - timedelta(days=1),
        closed_on=closing[2],
        count=int(count) if count.isdecimal() and len(counted) == len(known) else None,
    )


def _balance(
    element: etree._Element, codes: tuple[str, ...]
) -> tuple[Decimal | None, str, date | None]:
    """(amount, currency, day) of the first balance of one of the codes."""
    for code in codes:
        for balance in element.iterfind("{*}Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") == code:
                amount, currency, _ = _amount(balance, "Amt")
                day = _day(_text(balance, "Dt/Dt", "Dt/DtTm", "Dt"))
                return _signed(balance, amount), currency, day
    return None, "", None
