"""Tables of text that fit a terminal: nothing that counts is cut, what does not fit is named.

Where a table is wider than the terminal, what is the same in every row goes to the title, long
numbers lose their middle, texts go on over further lines, and then columns are left out, the least
telling first. Amounts and dates always stand whole, and sentences below their row. What is piped
keeps whole rows.
"""

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TypeAlias

from recon.console.terminal import middle_left_out, room, shortened_amount
from recon.reporting import text
from recon.wording import Language, display_width

Columns: TypeAlias = dict[str, list[str]]  # by name: the heading and the cells

_GAP = "  "
_NARROWEST = 16  # of a text that wraps
_SENTENCES = ("explanation", "reason", "memo", "arithmetic")
# What goes first when there is no room, from the least telling on.
_LEAST_TELLING = (
    *("run_id", "supersedes", "change_id", "recorded_at", "discrepancy_id", "item_id", "line_id"),
    *("proposed_by", "approved_by", "txn_id", "parent_ref", "payment_method", "status", "tariff"),
    *("first", "last", "amount_ledger", "amount_provider", "booking_account", "base", "format"),
    *("kind", "merchant_ref", "lines", "matched"),
)
_VERDICTS = {  # by the colour of a terminal
    32: ("proved", "quiet", "agrees"),
    31: ("not_proved", "not_run", "differs", "late"),
    33: ("stale",),
}
_COLOURS = {
    colour: re.compile("|".join(
        re.escape(said).replace(r"\{\}", ".*") for name in names for said in text.VERDICTS[name]
    ))
    for colour, names in _VERDICTS.items()
}  # fmt: skip
_WHOLE = ("ledger_account", "statement")
_WHOSE = ("result", "side", "type", "merchant", "account", "ledger_account", "currency")


def print_rows(
    name: str,
    rows: Sequence[Mapping[str, object]],
    right: Collection[str] = (),
    language: Language | None = None,
) -> None:
    """Some rows of text, such as settings: the table called `name` in `titles.TABLES`, its columns
    by the names of `titles.HEADINGS`."""
    told = language or "en"
    headings = {one: text.words(text.HEADINGS, told)[one] for one in (rows[0] if rows else ())}
    cells = {one: [str(row[one]) for row in rows] for one in headings}
    title = text.words(text.TABLES, told)[name]
    print("\n".join(draw(title, cells, right, room(), headings=headings)))


def draw(
    title: str,
    cells: Mapping[str, Sequence[str]],
    right: Collection[str] = (),
    width: int | None = None,
    headings: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The lines of a table; `right` are the columns of figures, `width` None is no terminal."""
    headings = headings or {}
    shown = {name: [headings.get(name, name), *column] for name, column in cells.items()}
    below = {name: shown.pop(name) for name in _SENTENCES if name in shown}
    if width is None:
        shown, below = shown | below, {}  # on the row, but last
    same: list[str] = []
    left_out: list[str] = []
    if width is not None and _room(shown) > width:
        shown, same = _apart(shown)
        shown = {name: _shorter(name, column, right) for name, column in shown.items()}
        _wrap(shown, right, width)
        left_out = _leave_out(shown, right, width)
    if title or same:
        yield " · ".join(filter(None, [title, *same]))
    widths = {name: max(map(_breadth, column)) for name, column in shown.items()}
    for number, row in enumerate(zip(*shown.values(), strict=True)):
        for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue=""):
            padded = (
                _toned(_padded(cell, widths[name], name in right), cell, width)
                for name, cell in zip(shown, line, strict=True)
            )
            yield _GAP.join(padded).rstrip()
        if number == 0:
            yield "─" * _room(shown)
            continue
        for sentences in below.values():
            yield from _wrapped(sentences[number], width or 0)
    if left_out:
        yield f"no room for {', '.join(left_out)}; a wider terminal, --json or a pipe shows them"


def _apart(columns: Columns) -> tuple[Columns, list[str]]:
    """The columns that tell rows apart, and what is said once for all rows."""
    same = {n: column for n, column in columns.items() if _is_same(column)}
    told = [f"{column[0]} {column[1]}" for column in same.values() if column[1]]
    kept = {n: column for n, column in columns.items() if n not in same}
    return (kept, told) if kept else (columns, [])


def _is_same(column: Sequence[str]) -> bool:
    return len(column) > 2 and len(set(column[1:])) == 1


def _shorter(name: str, column: list[str], right: Collection[str]) -> list[str]:
    """Long numbers without their middle, a token's amounts with the decimals that tell; a word
    stays as it is."""
    if name in _WHOLE:
        return column
    if name in right:
        return [shortened_amount(cell) for cell in column]
    return [
        middle_left_out(cell) if any(map(str.isdigit, cell)) and " " not in cell else cell
        for cell in column
    ]


def _wrap(columns: Columns, right: Collection[str], width: int) -> None:
    """Let texts of several words go on over further lines, the widest first, as far as needed."""
    texts = [n for n in columns if n not in right and any(" " in cell for cell in columns[n][1:])]
    for name in sorted(texts, key=lambda name: -max(map(_breadth, columns[name]))):
        room = max(max(map(_breadth, columns[name])) - (_room(columns) - width), _NARROWEST)
        columns[name] = [
            "\n".join(textwrap.wrap(cell, room, break_long_words=False)) for cell in columns[name]
        ]


def _leave_out(columns: Columns, right: Collection[str], width: int) -> list[str]:
    """Take columns away until the rest fits; their headings."""
    gone = []
    for name in _least_telling(columns, right):
        if _room(columns) > width and len(columns) > 1:
            gone.append(columns.pop(name)[0])
    return gone


def _least_telling(columns: Columns, right: Collection[str]) -> list[str]:
    """The order in which columns are left out: figures that are all nothing, then by name, then
    from the right; figures, and whose they are, come last."""
    nothing = [name for name in right if name in columns and not _says_anything(columns[name])]
    texts = [name for name in reversed(columns) if name not in right and name not in _WHOSE]
    figures = [name for name in reversed(columns) if name in right]
    whose = [name for name in _WHOSE if name in columns]
    least = [name for name in _LEAST_TELLING if name in columns]
    if "account" in columns:  # it says whose provider it is
        least += ["provider"] if "provider" in columns else []
        least += ["account"] if "ledger_account" in columns else []
    return list(dict.fromkeys([*nothing, *least, *texts, *figures, *whose]))


def _says_anything(figures: Sequence[str]) -> bool:
    return any(set(figure) - {"0", "."} for figure in figures[1:])


def _room(columns: Columns) -> int:
    gaps = len(_GAP) * (len(columns) - 1)
    return gaps + sum(max(map(_breadth, column)) for column in columns.values())


def _breadth(cell: str) -> int:
    return max(map(display_width, cell.split("\n")))


def _padded(cell: str, width: int, is_right: bool) -> str:
    space = " " * (width - display_width(cell))
    return space + cell if is_right else cell + space


def _toned(padded: str, cell: str, width: int | None) -> str:
    """A verdict in its colour, at a terminal."""
    found = [colour for colour, verdict in _COLOURS.items() if verdict.fullmatch(cell)]
    if width is None or not found:
        return padded
    return padded.replace(cell, f"\033[{found[0]}m{cell}\033[0m")


def _wrapped(sentence: str, width: int) -> Iterator[str]:
    room = max(width - len(_GAP), 20)
    if not sentence.isascii() and " " not in sentence[:room]:
        room //= 2  # Chinese
    for line in textwrap.wrap(sentence, room):
        yield _GAP + line
