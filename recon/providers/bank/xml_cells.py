"""The texts of camt.053 entries: searches for two dozen elements cost several times the parsing, so
they are made once for all entries of one shape, which in a file are few.

Entries whose texts may be in several places (more details than one, comments) are searched with one
XPath each. It puts the texts together with a character that no text has (a Unicode noncharacter).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
_CURRENCY: Final = "Ccy"
_CURRENCIES: Final = tuple(
    name for name, path in (_OF_ENTRY | _OF_DETAIL).items() if path.endswith(f"/@{_CURRENCY}")
)
_FACTS: Final = {
    "row": pl.UInt32(),
    "statement": pl.UInt32(),
    "number": pl.UInt32(),
    "place": pl.UInt32(),
    "detail_count": pl.UInt32(),
    "line_no": pl.UInt32(),
}


class Cells:
    """The texts of all entries of a document, in order, made into what `typed` makes of them.

    `typed` gets statement and number of the entry, place and count of the detail, line_no, and
    CELLS; a block at a time, with all rows of each entry, so that few texts are held.
    """

    def __init__(self, name: str, typed: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self._name = name
        self._typed = typed
        self._statement = self._number = self._row_count = 0
        self._plans: dict[tuple[object, ...], _Plan | None] = {}
        self._rows: dict[tuple[str, ...], list[tuple[object, ...]]] = {}  # by the cells they have
        self._blocks: list[pl.DataFrame] = []

    def end_statement(self) -> None:
        self._statement += 1
        self._number = 0

    def take(self, entry: etree._Element) -> None:
        """Read an entry: a row, or a row for each of several details."""
        self._number += 1
        elements = list(entry.iter())
        # Names in order, and how many children each has, are one tree and no other.
        shape = (*[element.tag for element in elements], *map(len, elements))
        try:
            plan = self._plans[shape]
        except KeyError:
            plan = self._plans[shape] = _plan(entry, elements)
        if plan is None:
            self._search(entry)
        else:
            self._add(entry, plan.details, plan.details, plan.names, plan.texts(elements))
        if self._row_count >= _BLOCK:
            self._flush()

    def _search(self, entry: etree._Element) -> None:
        paths = _compiled(_namespace(entry))
        *texts, counts = paths.entry(entry).split(_BETWEEN)
        details, remarks = (int(count) for count in counts.split(" "))
        if details > 1 or remarks > 1:
            found = paths.details(entry)
            for place, detail in enumerate(found, start=1):
                whole = texts[: len(_OF_ENTRY)] + paths.of(detail)
                self._add(entry, place, details, CELLS, whole)
        else:
            self._add(entry, details, details, CELLS, texts)

    def _add(
        self, entry: Any, place: int, details: int, names: tuple[str, ...], texts: list[str]
    ) -> None:
        if len(texts) != len(names):
            raise StatementError(f"{self._name}: a text has the character U+FDD0, which is no text")
        self._row_count += 1
        facts = (self._row_count, self._statement, self._number, place, details)
        rows = self._rows.setdefault(names, [])
        rows.append((*facts, entry.sourceline or 0, *texts))

    def _flush(self) -> None:
        parts = [pl.DataFrame(schema={**_FACTS, **dict.fromkeys(CELLS, pl.String())})]
        for names, rows in self._rows.items():
            columns = zip((*_FACTS, *names), zip(*rows, strict=True), strict=True)
            found = pl.DataFrame(
                [pl.Series(name, values, _FACTS.get(name, pl.String())) for name, values in columns]
            )
            absent = [pl.lit("").alias(name) for name in CELLS if name not in names]
            parts.append(found.with_columns(absent).select(*_FACTS, *CELLS))
        self._blocks.append(self._typed(pl.concat(parts).sort("row").drop("row")))
        self._rows = {}
        self._row_count = 0

    def frame(self) -> pl.DataFrame:
        """What was made of all entries."""
        self._flush()
        return pl.concat(self._blocks)


@dataclass(frozen=True)
class _Plan:
    """Where the texts of entries of one shape are: places in the list of an entry's elements."""

    details: int
    names: tuple[str, ...]  # of the texts of leaves, then of branches, then of attributes
    leaves: tuple[int, ...]
    branches: tuple[tuple[tuple[int, str], ...], ...]  # what adds up to the text of an element
    currencies: tuple[tuple[int, ...], ...]  # the first of these elements that tells one

    def texts(self, elements: list[Any]) -> list[str]:
        texts = [elements[place].text or "" for place in self.leaves]
        texts += [
            "".join([getattr(elements[place], part) or "" for place, part in branch])
            for branch in self.branches
        ]
        for places in self.currencies:
            told = [elements[place].get(_CURRENCY) for place in places]
            texts.append(next((code for code in told if code is not None), ""))
        return texts


def _plan(entry: Any, elements: list[Any]) -> _Plan | None:
    """None for entries that are searched one by one: with comments, or several details."""
    paths = _compiled(_namespace(entry))
    details, remarks = (int(count) for count in paths.entry(entry).split(_BETWEEN)[-1].split(" "))
    if details > 1 or remarks > 1 or not all(isinstance(one.tag, str) for one in elements):
        return None
    place_of = {element: place for place, element in enumerate(elements)}
    leaves: dict[str, int] = {}
    branches: dict[str, tuple[tuple[int, str], ...]] = {}
    currencies: dict[str, tuple[int, ...]] = {}
    for name, search in paths.nodes.items():
        places = tuple(place_of[node] for node in search(entry))
        if not places:
            continue
        if name in _CURRENCIES:
            currencies[name] = places
        elif len(elements[places[0]]):
            branches[name] = tuple(_parts(elements[places[0]], place_of))
        else:
            leaves[name] = places[0]
    return _Plan(
        details=details,
        names=(*leaves, *branches, *currencies),
        leaves=tuple(leaves.values()),
        branches=tuple(branches.values()),
        currencies=tuple(currencies.values()),
    )


def _parts(branch: Any, place_of: dict[Any, int]) -> Iterator[tuple[int, str]]:
    """The texts in an element with children, and those behind them, in the order of the file."""
    yield place_of[branch], "text"
    for child in branch:
        yield from _parts(child, place_of)
        yield place_of[child], "tail"


def _namespace(entry: Any) -> str:
    namespace: str = entry.tag.rpartition("}")[0].removeprefix("{")
    return namespace


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
        searched = [
            *_OF_ENTRY.items(),
            *((name, f"{_DETAILS}/{text}") for name, text in _OF_DETAIL.items()),
        ]
        self.nodes = {
            name: compiled(path(text.removesuffix(f"/@{_CURRENCY}"))) for name, text in searched
        }
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
