"""The texts of camt.053 entries: where they are is found once for all entries of one shape.

The shape of an entry is what is left without its texts: its tags. There are few in a file, and to
search each entry for two dozen elements costs several times as much as to parse it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import polars as pl
from lxml import etree

from recon.providers.bank.xml_entries import Entries

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
    "words": "RmtInf/Ustrd",
}
_DETAIL: Final = "/NtryDtls/TxDtls"
_ENTRY_NAMES: Final = {f"/{path}": name for name, path in _OF_ENTRY.items()}
_DETAIL_NAMES: Final = {f"/{path}": name for name, path in _OF_DETAIL.items()}
CELLS: Final = (*_OF_ENTRY, *_OF_DETAIL)
_REPEATED: Final = "words"  # of which all are meant, and of the others the first
_ATTRIBUTE: Final = "/@Ccy"
_ATTRIBUTES: Final = tuple(
    name for name, path in (_OF_ENTRY | _OF_DETAIL).items() if path.endswith(_ATTRIBUTE)
)
_CELLS_WITH_PARTS: Final = tuple(name for name in CELLS if name not in _ATTRIBUTES)
_FACTS: Final[dict[str, pl.DataType]] = dict.fromkeys(
    ("statement", "number", "place", "detail_count", "line_no"), pl.UInt32()
)
_OF_SHAPE: Final[dict[str, pl.DataType]] = {
    "shape": pl.String(),
    "place": pl.UInt32(),
    "detail_count": pl.UInt32(),
    **dict.fromkeys(_ATTRIBUTES, pl.String()),
}
_TEXT: Final = r">[^<]+"  # and the end of the tag before it


class Cells:
    """The texts of all entries of a document, in order, made into what `typed` makes of them.

    `typed` gets statement and number of the entry, place and count of the detail, line_no, and
    CELLS; a block at a time, with all rows of each entry, so that few texts are held.
    """

    def __init__(self, typed: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        self._typed = typed
        self._statement = self._number = 0
        self._shapes = _Shapes()
        self._blocks = [typed(pl.DataFrame(schema=_FACTS | dict.fromkeys(CELLS, pl.String())))]

    def end_statement(self) -> None:
        self._statement += 1
        self._number = 0

    def take(self, entries: Entries) -> None:
        """Read entries: a row for each, or a row for each of several details.

        Errors: XMLSyntaxError where a tag has a `>` within it.
        """
        texts = entries.texts
        shapes = texts.str.replace_all(_TEXT, ">")
        self._shapes.learn(shapes, entries)
        tags = texts.str.split("<")
        numbers = pl.int_range(self._number, self._number + len(texts), dtype=pl.UInt32, eager=True)
        self._number += len(texts)
        rows = pl.DataFrame(
            {
                "number": numbers + 1,
                "line_no": entries.line_nos.cast(pl.UInt32),
                "shape": shapes,
                "first_tag": tags.list.len().cum_sum() - tags.list.len(),
            }
        ).join(self._shapes.places, on="shape", how="left", maintain_order="left_right")
        told = rows.with_columns(
            *self._shapes.texts(tags.explode()), statement=pl.lit(self._statement, pl.UInt32)
        ).select(*_FACTS, *CELLS)
        if texts.str.contains("&", literal=True).any():
            told = _resolved(told)
        self._blocks.append(self._typed(told))

    def frame(self) -> pl.DataFrame:
        """What was made of all entries."""
        return pl.concat(self._blocks)


class _Shapes:
    """The shapes seen so far, and where the cells of each are.

    `places` has a row for each detail of a shape, or one: shape, place, detail_count, the texts of
    attributes, and for each part of a cell the number of the tag it is behind, null for none.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._lengths = dict.fromkeys(_CELLS_WITH_PARTS, 0)  # the most parts that a cell has
        self.places = pl.DataFrame(schema=_OF_SHAPE)

    def learn(self, shapes: pl.Series, entries: Entries) -> None:
        unknown = [shape for shape in shapes.unique().sort() if shape not in self._known]
        if not unknown:
            return
        self._known.update(unknown)
        rows = [row for shape in unknown for row in _places(shape, entries)]
        columns: dict[str, pl.Series] = {
            name: pl.Series([row.get(name, "") for row in rows], dtype=dtype)
            for name, dtype in _OF_SHAPE.items()
        }
        for name in _CELLS_WITH_PARTS:
            parts = [row.get(name, []) for row in rows]
            length = max(map(len, parts))
            for part in range(length):
                numbers = [one[part] if part < len(one) else None for one in parts]
                columns[_part(name, part)] = pl.Series(numbers, dtype=pl.UInt32)
            self._lengths[name] = max(length, self._lengths[name])
        self.places = pl.concat([self.places, pl.DataFrame(columns)], how="diagonal")

    def texts(self, tags: pl.Series) -> list[pl.Expr]:
        """Cells of rows that have `first_tag`, the place of their first one in `tags`."""
        every = pl.lit(tags)
        found = []
        for name in _CELLS_WITH_PARTS:
            parts = [
                every.gather(pl.col("first_tag") + pl.col(_part(name, part)))
                .str.splitn(">", 2)
                .struct["field_1"]
                for part in range(self._lengths[name])
            ]
            between = " " if name == _REPEATED else ""
            told = pl.concat_str(parts, separator=between, ignore_nulls=True) if parts else None
            found.append((pl.lit("") if told is None else told).fill_null("").alias(name))
        return found


def _part(name: str, part: int) -> str:
    return f"{name}/{part}"


def _places(shape: str, entries: Entries) -> Iterator[dict[str, Any]]:
    """The rows of entries of one shape: of each cell the numbers of the tags with its text behind
    them, or the text itself where it is in the tag."""
    of_entry, details = _Walk(shape, entries).found()
    for place, of_detail in enumerate(details or [{}], start=1 if details else 0):
        facts = {"shape": shape, "place": place, "detail_count": len(details)}
        yield {**facts, **of_entry, **of_detail}


class _Walk:
    """From tag to tag through a shape.

    The text of an element is behind its own tag, behind those of the elements within it, and
    behind their closing tags.
    """

    def __init__(self, shape: str, entries: Entries) -> None:
        namespaces: Any = entries.namespaces
        around = etree.tostring(etree.Element("around", nsmap=namespaces), encoding="unicode")
        opening = around.removesuffix("/>") + ">"
        entry = etree.fromstring(f"{opening}{shape}{entries.closing}</around>")[0]
        self._elements = entry.iter()  # in the order of their opening tags
        self._tags = shape.split("<")[1:]
        self._of_entry: dict[str, Any] = {}
        self._details: list[dict[str, Any]] = []

    def found(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The cells of the entry, and of each detail in it."""
        is_open: list[tuple[str, list[int] | None, int]] = [("", None, 0)]  # path, cell, its tag
        for number, tag in enumerate(self._tags, start=1):
            if tag.startswith("/"):
                _, cell, begin = is_open.pop()
                if cell is not None:
                    cell += range(begin, number)
                continue
            element = next(self._elements)
            name = str(element.tag).rpartition("}")[2]
            path = f"{is_open[-1][0]}/{name}" if number > 1 else ""
            cell = self._cell(path, element)
            if not tag.endswith("/>"):
                is_open.append((path, cell, number))
        return self._of_entry, self._details

    def _cell(self, path: str, element: Any) -> list[int] | None:
        """The cell an element is the first of, or one of, and that is to get its tags."""
        if path == _DETAIL:
            self._details.append({})
        cells, names, within = self._of_entry, _ENTRY_NAMES, path
        if path.startswith(f"{_DETAIL}/"):
            cells, names, within = self._details[-1], _DETAIL_NAMES, path.removeprefix(_DETAIL)
        attribute, name = names.get(f"{within}{_ATTRIBUTE}"), names.get(within)
        if attribute is not None:
            cells[attribute] = cells.get(attribute) or element.get("Ccy", "")
        if name is None or (name in cells and name != _REPEATED):
            return None
        tags: list[int] = cells.setdefault(name, [])
        return tags


def _resolved(frame: pl.DataFrame) -> pl.DataFrame:
    """`&amp;` and the like as what they stand for."""
    for name in CELLS:
        referring = frame[name].filter(frame[name].str.contains("&", literal=True)).unique()
        plain = {text: etree.fromstring(f"<t>{text}</t>").text or "" for text in referring}
        frame = frame.with_columns(pl.col(name).replace(plain)) if plain else frame
    return frame
