"""The texts of camt.053 entries, one XPath an entry: what is read by the row in Python is as little
as can be, because a search for each of two dozen elements costs ten times the parsing.

The expression puts the texts together with a character that no text has (a Unicode noncharacter);
Polars takes them apart again.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import polars as pl
from lxml import etree

from recon.errors import StatementError

_BETWEEN: Final = "\ufdd0"
_BLOCK: Final = 50_000  # entries whose texts are held as Python's before they become a frame

# Our name -> where it is in an entry, and in a detail of one; of any version of the standard.
_OF_ENTRY: Final = {
    "digits": "Amt",
    "currency": "Amt/@Ccy",
    "side": "CdtDbtInd",
    "state": "Sts",  # a text, or a code inside
    "booked": "BookgDt",  # a date, or a time, inside
    "valued": "ValDt",
    "bank_reference": "AcctSvcrRef",
    "entry_reference": "NtryRef",
    "family": "BkTxCd/Domn/Fmly/SubFmlyCd",
    "info": "AddtlNtryInf",
}
_OF_DETAIL: Final = {
    "part_digits": "Amt",
    "part_currency": "Amt/@Ccy",
    "tx_digits": "AmtDtls/TxAmt/Amt",
    "tx_ccy": "AmtDtls/TxAmt/Amt/@Ccy",
    "part_side": "CdtDbtInd",
    "part_bank_reference": "Refs/AcctSvcrRef",
    "end_to_end": "Refs/EndToEndId",
    "instruction": "Refs/InstrId",
    "transaction": "Refs/TxId",
    "reference_words": "RmtInf/Strd/CdtrRefInf/Ref",
    "part_info": "AddtlTxInf",
    "words": "RmtInf/Ustrd",  # the first; more of them are rare, and put together one by one
}
_DETAILS: Final = "NtryDtls/TxDtls"
CELLS: Final = (*_OF_ENTRY, *_OF_DETAIL)
_ROW: Final = {
    "statement": pl.UInt32(),
    "number": pl.UInt32(),
    "place": pl.UInt32(),
    "detail_count": pl.UInt32(),
    "line_no": pl.UInt32(),
    "texts": pl.String(),
}


class Cells:
    """The texts of all entries of a document, in order."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._statement = self._number = 0
        self._rows: list[tuple[object, ...]] = []
        self._blocks: list[pl.DataFrame] = []

    def end_statement(self) -> None:
        self._statement += 1
        self._number = 0

    def take(self, entry: etree._Element) -> None:
        """Read an entry: a row, or a row for each of several details."""
        self._number += 1
        paths = _compiled(entry.tag.rpartition("}")[0].removeprefix("{"))
        *_, counts = whole = paths.entry(entry).split(_BETWEEN)
        details, remarks = (int(count) for count in counts.split(" "))
        texts = whole[:-1]
        if details > 1 or remarks > 1:
            found = paths.details(entry)
            for place, detail in enumerate(found, start=1):
                self._add(entry, place, details, texts[: len(_OF_ENTRY)] + paths.of(detail))
        else:
            self._add(entry, details, details, texts)

    def _add(self, entry: Any, place: int, details: int, texts: list[str]) -> None:
        if len(texts) != len(CELLS):
            raise StatementError(f"{self._name}: a text has the character U+FDD0, which is no text")
        line_no = entry.sourceline or 0
        joined = _BETWEEN.join(texts)
        self._rows.append((self._statement, self._number, place, details, line_no, joined))
        if len(self._rows) >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        rows = pl.DataFrame(self._rows, schema=_ROW, orient="row")
        texts = pl.col("texts").str.split(_BETWEEN)
        named = {name: texts.list.get(place) for place, name in enumerate(CELLS)}
        self._blocks.append(rows.lazy().with_columns(**named).drop("texts").collect())
        self._rows = []

    def frame(self) -> pl.DataFrame:
        """statement and number of the entry, place and count of the detail, line_no, and CELLS."""
        self._flush()
        return pl.concat(self._blocks)


class _Paths:
    """Compiled expressions for the documents of one namespace."""

    def __init__(self, namespace: str) -> None:
        prefix = "c:" if namespace else ""
        known = {"c": namespace} if namespace else None

        def path(text: str) -> str:
            steps = text.split("/")
            return "/".join(step if step.startswith("@") else prefix + step for step in steps)

        def compiled(text: str) -> Callable[[Any], Any]:
            evaluate: Callable[[Any], Any] = etree.XPath(
                text, namespaces=known, smart_strings=False
            )
            return evaluate

        details = path(_DETAILS)
        of_detail = [path(text) for text in _OF_DETAIL.values()]
        every = [*(path(text) for text in _OF_ENTRY.values()),
                 *(f"{details}/{text}" for text in of_detail)]  # fmt: skip
        remarks = f"count({details}/{path('RmtInf/Ustrd')})"
        counts = f"concat(count({details}),' ',{remarks})"
        between = f",'{_BETWEEN}',"
        self.entry = compiled(f"concat({between.join([*every, counts])})")
        self.details = compiled(details)
        self._detail = compiled(f"concat({between.join(of_detail)})")
        self._remarks = compiled(path("RmtInf/Ustrd"))

    def of(self, detail: Any) -> list[str]:
        """The texts of one detail, all its remarks among them."""
        texts: list[str] = self._detail(detail).split(_BETWEEN)
        remarks = " ".join(remark.text or "" for remark in self._remarks(detail))
        return [*texts[:-1], remarks]


@cache
def _compiled(namespace: str) -> _Paths:
    return _Paths(namespace)
