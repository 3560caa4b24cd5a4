"""What a provider folder offers, and what a statement turns into. See recon/providers/README.md."""

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import BinaryIO, TypeAlias

import polars as pl

from recon.errors import StatementError
from recon.periods import Period

_BLOCK_BYTES = 1024 * 1024  # stays in the cache of a processor
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}  # mark and codec
HEAD_BYTES = 64 * 1024  # enough for any header we know; `describe` sees no more than this


@dataclass(frozen=True)
class Content:
    """The bytes of one statement as received.

    `scannable` is what Polars may scan: the bytes themselves, or, for a large plain file, the place
    where `io` keeps them, so that a statement of any size is read once and never held whole.
    """

    file_id: str  # sha256 of the bytes
    name: str  # as delivered; used in messages and, at most, for a date the bytes do not carry
    size: int
    head: bytes
    tail: bytes
    scannable: bytes | str

    def head_lines(self, encoding: str) -> list[str]:
        """The complete lines at the start. Errors: StatementError on other encodings."""
        whole = self.head if self.size <= len(self.head) else self.head.rpartition(b"\n")[0]
        return self._decode(whole, encoding).removeprefix("\ufeff").splitlines()

    def tail_lines(self, encoding: str) -> list[str]:
        """The complete lines at the end of the file."""
        whole = self.tail if self.size <= len(self.tail) else self.tail.partition(b"\n")[2]
        return self._decode(whole, encoding).removeprefix("\ufeff").splitlines()

    def blocks(self) -> Iterator[bytes]:
        """The bytes, about a megabyte of whole lines at a time."""
        with self.open() as file:
            while block := file.read(_BLOCK_BYTES):
                block += file.readline()
                yield block
                del block  # before the next is read: two at a time take fresh memory each time

    def open(self) -> BinaryIO:
        """All bytes, as a file to be closed."""
        data = self.scannable
        return io.BytesIO(data) if isinstance(data, bytes) else open(data, "rb")

    def in_utf8(self, encoding: str) -> "Content":
        """The same statement as UTF-8 without a byte order mark; only bytes in memory can be.

        Errors: StatementError with the place of a byte that is not of the encoding.
        """
        if codecs.lookup(encoding).name == "utf-8":
            return self
        if not isinstance(self.scannable, bytes):
            raise TypeError(f"{self.name} is not in memory")
        data = self._decode(self.scannable, encoding).removeprefix("\ufeff").encode()
        return replace(self, size=len(data), head=data[:HEAD_BYTES], tail=data[-HEAD_BYTES:],
                       scannable=data)  # fmt: skip

    @property
    def utf_16(self) -> str | None:
        """The codec of a file with the mark of UTF-16, as spreadsheets save "Unicode text"."""
        return next((codec for mark, codec in _UTF_16.items() if self.head.startswith(mark)), None)

    @property
    def foreign_byte(self) -> int | None:
        """The place of the first byte at the start of the file that is not UTF-8."""
        try:
            whole = self.head if self.size <= len(self.head) else self.head.rpartition(b"\n")[0]
            whole.decode("utf-8")
        except UnicodeDecodeError as error:
            return error.start
        return None

    def ends_in_utf8(self, encoding: str) -> "Content":
        """The start and the end of a file in another encoding, for a look at them only; what is not
        of that encoding is replaced."""
        head, tail = (
            part.decode(encoding, errors="replace").removeprefix("\ufeff").encode()
            for part in (self.head, self.tail)
        )
        if self.size <= len(self.head):
            return replace(self, size=len(head), head=head, tail=head, scannable=head)
        return replace(self, size=len(head) + self.size, head=head, tail=tail)

    def _decode(self, data: bytes, encoding: str) -> str:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise StatementError(
                f"{self.name}: byte {error.start} is not {encoding}; was the file opened and saved "
                "by another program? Fetch the original again"
            ) from None


@dataclass(frozen=True)
class Description:
    """What a look at the first bytes tells: which kind of statement, whose, for which days.

    `account` and `period` are None where the file itself does not say.
    """

    kind: str
    account: str | None = None
    period: Period | None = None
    part: int = 1  # a statement split over several files
    encoding: str = "utf-8"  # of the file; `describe` sees it so, `read` gets it as UTF-8


@dataclass(frozen=True, order=True)
class Place:
    """Where rows of a statement belong: one account and business date."""

    account: str
    business_date: date


@dataclass(frozen=True)
class ReadContext:
    """What the caller knows about a statement before reading it.

    With `business_dates`, a row dated outside of them is a reject; with `account`, one of another.
    `cut_off` after its midnight a business date ends, where that follows from the time of a row.
    `elsewhere` are the other places the same file is read for: rows of theirs are nothing here.
    """

    account: str | None
    time_zone: str
    business_dates: Period | None = None
    elsewhere: frozenset[Place] = frozenset()
    cut_off: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class Reading:
    """A statement, normalised. The four frames share one scan: collect them together."""

    lines: pl.LazyFrame  # STATEMENT_LINE
    rejects: pl.LazyFrame  # REJECT
    controls: pl.LazyFrame  # CONTROL_TOTAL
    balances: pl.LazyFrame  # BALANCE


@dataclass(frozen=True)
class StatementKind:
    """One kind of statement of a provider.

    `describe` answers None when the bytes are not this kind. `matched_kinds` limits which lines are
    reconciled with the ledger: a balance statement repeats movements that another statement of the
    same day reports in detail, and those repeat lines serve the settlement proof only. `places`, of
    kinds whose files may hold several accounts or days, looks through a whole file and tells all.
    `tells_bookings`: its other rows say when the balance moves for what another statement tells.
    `is_dated_by_time`: business dates follow from the time of a row, so from zone and cut-off, and
    are not the statement's own.
    `nearly` says what tells a file from one of the kind, where it resembles one.
    `is_numbered`: the parts of an account count on from statement to statement, so a gap is a loss.
    """

    name: str
    title: str
    url: str  # the vendor's page that describes the format
    time_zone: str
    describe: Callable[[Content], Description | None]
    read: Callable[[Content, ReadContext], Reading]
    matched_kinds: frozenset[str] | None = None
    places: "Places | None" = None
    tells_bookings: bool = False
    is_dated_by_time: bool = False
    is_numbered: bool = False
    nearly: Callable[[Content], str | None] | None = None


def encoding_of(kind: StatementKind, content: Content) -> str:
    """The encoding `kind` tells from the bytes of its own statement."""
    description = kind.describe(content)
    if description is not None:
        return description.encoding
    return content.utf_16 or "utf-8"


@dataclass(frozen=True)
class Provider:
    """A source of statements; `slug` is the name of its folder."""

    slug: str
    title: str
    title_zh: str
    kinds: tuple[StatementKind, ...]
    notes: tuple[str, ...] = field(default=())

    def kind(self, name: str) -> StatementKind:
        return next(kind for kind in self.kinds if kind.name == name)


Places: TypeAlias = Callable[[Content, ReadContext], frozenset[Place]]


def places_of_lines(read: Callable[[Content, ReadContext], Reading]) -> Places:
    """`places` of a kind whose lines tell account and day themselves."""

    def places(content: Content, context: ReadContext) -> frozenset[Place]:
        whose = read(content, context).lines.select("account", "business_date")
        found = whose.drop_nulls().unique().collect(engine="streaming")
        return frozenset(Place(account, day) for account, day in found.iter_rows() if account)

    return places


def no_balances() -> pl.LazyFrame:
    """For statements that carry no balance."""
    from recon.tables import BALANCE, empty

    return empty(BALANCE).lazy()


def day_of(text: str) -> date:
    """The date at the start of `2026-11-20 10:00:00` or `2026/11/20 ...`."""
    return date.fromisoformat(text[:10].replace("/", "-"))
