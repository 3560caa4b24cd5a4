"""A camt.053 document taken apart into its statements and the text of their entries.

The usual document is plain: it is UTF-8, and each `<` in it belongs to the tag of an element. lxml
reads every byte of it, but only to vouch that it is well-formed; the entries are cut out of the
text as they are, and what is left is small enough to be a tree. To have the entries made into trees
takes several times as long. That is left to documents that are not plain: an entry of theirs is
written out again by lxml, which leaves plain text.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from lxml import etree

from recon.errors import StatementError
from recon.providers.contract import Content

_BYTES: Final = 2 * 1024 * 1024  # of a document that are held at once
_ENTRIES: Final = 10_000  # as many, where they are written out again
_OPENING: Final = re.compile(rb"<((?:[\w.-]+:)?)Ntry[\s>]")
_DECLARATION: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^<>]*\?>)?")
_OTHER_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"'](?!(?i:utf-8|us-ascii)[\"'])")
_SAFE: Final[Mapping[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
}


class NotPlain(Exception):
    """The document has to be read entry by entry."""


@dataclass(frozen=True)
class Entries:
    """Entries of a statement as they follow one another, as plain XML: no comment, no CDATA, no
    instruction, and each `<` begins a tag.

    `texts` are all whole once `closing` is behind them, within an element that has the
    `namespaces`; `line_nos` are where they begin.
    """

    texts: pl.Series
    line_nos: pl.Series
    namespaces: Mapping[str | None, str]
    closing: str = ""


def cut(content: Content) -> Iterator[Entries | etree._Element]:
    """The entries of each statement, and after them the statement without entries.

    Errors: NotPlain, or XMLSyntaxError, for documents that have to be `streamed`.
    """
    nothing: Any = _Nothing()
    whole = etree.XMLParser(target=nothing, **_SAFE)
    frame = _Frame()
    rest = b""
    with content.open() as file:
        declaration = _plain_declaration(content)
        line_no = 1 + declaration.count(b"\n")
        file.seek(len(declaration))
        while block := file.read(_BYTES):
            whole.feed(block)
            text = rest + block
            _demand_plain(text)
            at = 0
            while (run := _run(text, at)) is not None:
                yield from frame.feed(text[at : run.begin])
                line_no += text.count(b"\n", at, run.begin)
                yield _entries(text[run.begin : run.end], run.prefix, line_no, frame.namespaces)
                line_no += text.count(b"\n", run.begin, run.end)
                at = run.end
            # An entry that goes on in the next block, or at least a tag that may.
            begun = _OPENING.search(text, at)
            until = begun.start() if begun else max(at, text.rfind(b"<"))
            yield from frame.feed(text[at:until])
            line_no += text.count(b"\n", at, until)
            rest = text[until:]
    whole.close()
    yield from frame.feed(rest)


def streamed(content: Content) -> Iterator[Entries | etree._Element]:
    """The same of any document. Errors: StatementError for a DOCTYPE, XMLSyntaxError."""
    source = content.scannable
    events = etree.iterparse(
        io.BytesIO(source) if isinstance(source, bytes) else source,
        events=("end",),
        tag=("{*}Ntry", "{*}Stmt"),
        remove_comments=True,
        remove_pis=True,
        **_SAFE,
    )
    texts: list[str] = []
    line_nos: list[int] = []
    is_checked = False
    for _, element in events:
        if not is_checked and element.getroottree().docinfo.doctype:
            raise StatementError(f"{content.name}: has a DOCTYPE, which no bank statement needs")
        is_checked = True
        is_entry = element.tag.endswith("Ntry")
        if is_entry:
            texts.append(etree.tostring(element, encoding="unicode", with_tail=False))
            line_nos.append(element.sourceline or 0)
            _forget(element)
        if texts and (not is_entry or len(texts) >= _ENTRIES):
            # The text of an element has the namespaces that are around it.
            yield Entries(pl.Series(texts), pl.Series(line_nos), {})
            texts, line_nos = [], []
        if not is_entry:
            yield element
            element.clear()


def _forget(entry: etree._Element) -> None:
    """Free an entry and the ones before it, so that a statement of any size takes little memory."""
    entry.clear()
    before, parent = entry.getprevious(), entry.getparent()
    if parent is not None and before is not None and before.tag == entry.tag:
        parent.remove(before)


class _Nothing:
    """What is made of a document that is only looked at."""

    def close(self) -> None:
        return


class _Frame:
    """The tree of a document without its entries, as it grows."""

    def __init__(self) -> None:
        self._parser = etree.XMLPullParser(("start", "end"), tag="{*}Stmt", **_SAFE)
        self._statement: etree._Element | None = None

    def feed(self, text: bytes) -> Iterator[etree._Element]:
        """Statements that end in the text."""
        self._parser.feed(text)
        events: Any = self._parser.read_events()
        for event, element in events:
            if event == "start":
                self._statement = element
                continue
            if element.find("{*}Ntry") is not None:  # one that was not seen in the text
                raise NotPlain
            self._statement = None
            yield element
            element.clear()

    @property
    def namespaces(self) -> Mapping[str | None, str]:
        """Those of the statement that is open."""
        if self._statement is None:
            raise NotPlain
        return self._statement.nsmap


def _plain_declaration(content: Content) -> bytes:
    """What is before the document. Errors: NotPlain where it is not in UTF-8."""
    found = _DECLARATION.match(content.head)
    declaration = found[0] if found else b""
    if _OTHER_ENCODING.search(declaration):
        raise NotPlain
    return declaration


def _demand_plain(text: bytes) -> None:
    # One rare character is found many times as fast as two of which the first is everywhere.
    if (b"!" in text and b"<!" in text) or (b"?" in text and b"<?" in text):
        raise NotPlain


@dataclass(frozen=True)
class _Run:
    """Where entries follow one another in a text."""

    begin: int
    end: int
    prefix: bytes


def _run(text: bytes, at: int) -> _Run | None:
    """The next whole entries; None where there is not one more."""
    opening = _OPENING.search(text, at)
    if opening is None:
        return None
    begin, prefix = opening.start(), opening[1]
    closing = b"</%sNtry>" % prefix
    border = text.find(b"</%sStmt>" % prefix, begin)
    last = text.rfind(closing, begin, len(text) if border < 0 else border)
    if last >= 0:
        return _Run(begin, last + len(closing), prefix)
    if border >= 0:
        raise NotPlain
    return None


def _entries(
    run: bytes, prefix: bytes, line_no: int, namespaces: Mapping[str | None, str]
) -> Entries:
    """Entries that begin in a line. Errors: NotPlain where something else is between them."""
    closing = f"</{prefix.decode()}Ntry>"
    pieces = (
        pl.Series([_with_plain_line_ends(run)], dtype=pl.Binary)
        .cast(pl.String)
        .str.strip_suffix(closing)
        .str.split(closing)
        .explode()
    )
    texts = pieces.str.strip_chars_start()
    if not texts.str.contains(rf"^<{re.escape(prefix.decode())}Ntry[\s>]").all():
        raise NotPlain
    if b"\n" in run:
        ends, within = (each.str.count_matches("\n", literal=True) for each in (pieces, texts))
        line_nos = line_no + ends.cum_sum() - within
    else:
        line_nos = pl.repeat(line_no, len(texts), eager=True)
    return Entries(texts, line_nos, namespaces, closing)


def _with_plain_line_ends(text: bytes) -> bytes:
    """As every reader of XML has to take them."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
