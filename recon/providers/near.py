"""Why a file is not what it looks like: saved with another encoding or separator, or short of a
column. Told to whoever delivered it; such a file is never read."""

import codecs
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from recon.errors import StatementError
from recon.providers.contract import Content
from recon.providers.delimited import find_table, split_line

_ENCODINGS: Final = ("utf-8", "gb18030", "utf-16", "cp1252")
_SEPARATORS: Final = (",", ";", "\t", "|")


def difference(
    content: Content, wanted: list[str], encoding: str, separator: str, head_lines: int
) -> str | None:
    """What tells a file from one of a kind whose header has the `wanted` columns, as a sentence;
    None where it has little to do with it."""
    for found, lines in _texts(content, encoding, head_lines):
        for mark in dict.fromkeys((separator, *_SEPARATORS)):
            table = find_table(lines, wanted, mark)
            if table is not None:
                said = [] if found == codecs.lookup(encoding).name else [
                    f"its text is {found}, not {encoding}"
                ]  # fmt: skip
                said += (
                    [] if mark == separator else [f"its separator is {mark!r}, not {separator!r}"]
                )
                twice = repeated(table.header, wanted)
                if twice:
                    said.append(f"its header has {twice[0]} twice, which are read only where both "
                                f"are named: {twice[0]} and {twice[0]}#2")  # fmt: skip
                return " and ".join(said) or None
        for line in lines:
            missing = [name for name in wanted if name not in split_line(line, separator)]
            if missing and 2 * len(missing) <= len(wanted):
                return f"its header lacks {', '.join(missing)}"
    return None


def _texts(content: Content, encoding: str, head_lines: int) -> Iterator[tuple[str, list[str]]]:
    """The first lines as each encoding reads them that can, beginning with the one expected."""
    for name in dict.fromkeys(codecs.lookup(one).name for one in (encoding, *_ENCODINGS)):
        if name == "utf-16" and not content.head.startswith(
            (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        ):
            continue  # any bytes are
        try:
            yield name, content.head_lines(name)[:head_lines]
        except StatementError:
            continue  # not of this encoding


def repeated(header: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Wanted columns that a header has twice, where the second is not wanted as well: which one is
    meant would be a guess."""
    return [name for name in wanted if f"{name}#2" in header and f"{name}#2" not in wanted]
