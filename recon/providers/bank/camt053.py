"""camt.053, any version: entries and balances of one or more statements, read as they stream by.

Balances tie on the entries. An entry may have details; they are the lines where all of them state
an amount and add up to the entry, which is how a batch is matched one by one. Only what is booked
counts. A document type definition is refused: no bank sends one, and attacks need one.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl
from lxml import etree

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks
from recon.providers.bank import entries
from recon.providers.bank.entries import ENTRY, BankFile, BankStatement
from recon.providers.bank.xml_cells import CELLS, Cells
from recon.providers.bank.xml_entries import Entries, NotPlain, cut, streamed
from recon.providers.contract import Content, Description, Place, ReadContext, Reading
from recon.tables import columns_of

_MARK = re.compile(rb"<(?:\w+:)?BkToCstmrStmt[\s>]")
_ACCOUNT = re.compile(rb"<(?:\w+:)?Acct>.*?<(?:\w+:)?(?:IBAN|Id)>\s*([^<\s][^<]*?)\s*<", re.DOTALL)
_CLOSING = re.compile(
    rb"<(?:\w+:)?Cd>CLBD<.*?<(?:\w+:)?(?:Dt|DtTm)>\s*(?:<(?:\w+:)?Dt>)?(\d{4}-\d\d-\d\d)", re.DOTALL
)
_KIND_BY_FAMILY: Final = {"CHRG": "fee", "COMM": "fee", "FEES": "fee", "INTR": "adjustment"}
_OPENING, _CLOSED = ("OPBD", "PRCD"), ("CLBD",)
_AMOUNT: Final = r"^\d{1,18}(?:\.\d{1,5})?$"


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
    return entries.reading(_file(content), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return entries.places(_file(content))


def _file(content: Content) -> BankFile:
    try:
        return _read(content, cut(content))
    except (NotPlain, etree.XMLSyntaxError):
        return _streamed(content)  # which tells what is wrong, if anything is


def _streamed(content: Content) -> BankFile:
    try:
        return _read(content, streamed(content))
    except etree.XMLSyntaxError as error:
        raise StatementError(
            f"{content.name}: is no whole XML document ({error.msg}); fetch it again"
        ) from None


def _read(content: Content, parts: Iterator[Entries | etree._Element]) -> BankFile:
    cells = Cells(_typed)
    statements: list[BankStatement] = []
    names: list[str] = []
    for part in parts:
        if isinstance(part, Entries):
            cells.take(part)
        else:
            statements.append(_statement(part))
            names.append(_text(part, "Id"))
            cells.end_statement()
    if not statements:
        raise StatementError(f"{content.name}: has no statement in it")
    return BankFile(tuple(statements), _entries(cells, names))


def _text(element: etree._Element | None, *paths: str) -> str:
    """The first of some paths that has a text; names are those of any version."""
    for path in paths:
        if element is not None:
            steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
            found = element.findtext(steps)
            if found and found.strip():
                return str(found).strip()
    return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _statement(element: etree._Element) -> BankStatement:
    opening, closing = _balance(element, _OPENING), _balance(element, _CLOSED)
    same = opening[1] == closing[1]
    since = _day(_text(element, "FrToDt/FrDtTm"))
    count = _text(element, "TxsSummry/TtlNtries/NbOfNtries")
    return BankStatement(
        account=_text(element, "Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        currency=_text(element, "Acct/Ccy") or opening[1] or closing[1],
        opening=opening[0] if same else None,
        closing=closing[0] if same else None,
        opened_on=opening[2] if since is None else since - timedelta(days=1),
        closed_on=closing[2],
        count=int(count) if count.isdecimal() else None,
    )


def _balance(
    element: etree._Element, codes: tuple[str, ...]
) -> tuple[Decimal | None, str, date | None]:
    """(amount, currency, day) of the first balance of one of the codes."""
    for code in codes:
        for balance in element.iterfind("{*}Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") == code:
                found: Any = balance.find("{*}Amt")
                day = _day(_text(balance, "Dt/Dt", "Dt/DtTm", "Dt"))
                text = "" if found is None else (found.text or "").strip()
                if not re.fullmatch(_AMOUNT, text):
                    return None, "", day
                sign = -1 if _text(balance, "CdtDbtInd") == "DBIT" else 1
                return sign * Decimal(text), found.get("Ccy", ""), day
    return None, "", None


def _entries(cells: Cells, names: list[str]) -> pl.DataFrame:
    """ENTRY: a row an entry, or a row a detail where the details add up to it."""
    numbers = pl.Series("name", names, dtype=pl.String)
    named = pl.concat_str([pl.lit(numbers).gather(pl.col("statement")), "number"], separator=":")
    parted = pl.concat_str([named, "place"], separator=".")
    return (
        cells.frame()
        .with_columns(key=pl.when("by_parts").then(parted).otherwise(named))
        .select(columns_of(ENTRY))
    )


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells of entries as ENTRY, with `place` and `by_parts` in place of the key."""
    amount = _signed(pl.col("digits"), pl.col("side"))
    part_currency = pl.when(pl.col("part_digits") != "").then("part_currency").otherwise("tx_ccy")
    is_own = part_currency.is_in([""]) | (part_currency == pl.col("currency"))
    part_side = pl.when(pl.col("part_side") != "").then("part_side").otherwise("side")
    part = pl.coalesce(*(_filled(name) for name in ("part_digits", "tx_digits")))
    booked = pl.coalesce(_filled("booked"), _filled("valued")).str.head(10)
    has_parts = bool((frame["detail_count"] > 1).any())
    adds_up = (
        (pl.col("detail_count") > 1)
        & pl.col("part").is_not_null().all().over("statement", "number")
        & (pl.col("part").sum().over("statement", "number") == pl.col("amount"))
    )
    by_parts, alone = pl.col("by_parts"), pl.col("detail_count") == 1
    detailed = by_parts | alone
    said = pl.concat_str(["words", "reference_words", "part_info", "info"], separator=" ")
    return (
        frame.lazy()
        .with_columns(pl.col(name).str.strip_chars() for name in CELLS)
        .with_columns(
            amount=amount, part=pl.when(is_own).then(_signed(part, part_side)).otherwise(None)
        )
        # Most files have no such entry, and looking at each would take as long as all else here.
        .with_columns(by_parts=adds_up.fill_null(value=False) if has_parts else pl.lit(value=False))
        .filter(by_parts | (pl.col("place") <= 1))
        .select(
            "statement",
            "number",
            "place",
            "by_parts",
            "line_no",
            "currency",
            booked_on=booked.str.to_date("%Y-%m-%d", strict=False),
            amount=pl.when(by_parts).then("part").otherwise("amount"),
            kind=checks.mapped(pl.col("family"), _KIND_BY_FAMILY).fill_null("transfer"),
            # Statements of some versions do not tell a status: what they list is booked.
            status=pl.when(pl.col("state").is_in(["", "BOOK"]))
            .then(pl.lit("succeeded"))
            .otherwise(pl.lit("pending")),
            bank_reference=pl.coalesce(
                pl.when(detailed).then(_filled("part_bank_reference")),
                _filled("bank_reference"),
                "entry_reference",
            ),
            reference=pl.coalesce(
                *(
                    pl.when(detailed).then(_filled(name))
                    for name in ("end_to_end", "instruction", "transaction")
                ),
                pl.lit(""),
            ),
            text=pl.when(detailed).then(entries.one_line(said)).otherwise("info"),
            shown="digits",
        )
        .collect()
    )


def _filled(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name))


def _signed(digits: pl.Expr, side: pl.Expr) -> pl.Expr:
    amount = pl.when(digits.str.contains(_AMOUNT)).then(money.parse(digits, decimals=5))
    return pl.when(side == "DBIT").then(-amount).otherwise(amount)
