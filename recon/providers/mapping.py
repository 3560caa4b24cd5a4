"""A source described by settings instead of code: which column is what, and nothing guessed.

For files with a header that `delimited` can read; io turns workbooks, JSON and columns of fixed
width into such text first. What a mapping does not say is not read; a code it does not name is a
reject.
"""

import re
from collections.abc import Callable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass, field
from typing import Literal

from recon.errors import StatementError
from recon.periods import Period
from recon.providers import mapped_rows
from recon.providers.contract import (
    Content,
    Description,
    Place,
    Places,
    Provider,
    ReadContext,
    Reading,
    places_of_lines,
)
from recon.providers.contract import StatementKind as Kind
from recon.providers.delimited import Table, find_table, split_line
from recon.providers.near import difference, repeated

TotalOf = Literal["count", "gross", "income", "expense", "fee", "opening", "closing"]
TEXT_COLUMNS = (
    "txn_id",
    "merchant_ref",
    "parent_txn_id",
    "parent_ref",
    "batch_id",
    "payment_method",
    "status",
)
_HEAD_LINES = 200  # in which the header must be
_SURPLUS = "(after the last)"


@dataclass(frozen=True)
class Numbers:
    """How amounts are written: separators, what stands for none, what may stand around them."""

    decimal: str = "."
    thousands: str = ""
    blank: tuple[str, ...] = ("",)
    ignore: tuple[str, ...] = ()  # currency signs and the like


@dataclass(frozen=True)
class Amounts:
    """Where the movement's amount is: one signed column, one without a sign beside a column that
    tells the direction, or a column each for what comes and what goes."""

    column: str | None = None
    income: str | None = None
    expense: str | None = None
    direction: str | None = None
    outgoing: tuple[str, ...] = ()  # words of `direction` for money that leaves us
    incoming: tuple[str, ...] = ()
    fee: str | None = None  # what the movement cost us, without a sign
    balance: str | None = None  # after the movement

    def columns(self) -> list[str]:
        names = (self.column, self.income, self.expense, self.direction, self.fee, self.balance)
        return [name for name in names if name is not None]

    def number_columns(self) -> list[str]:
        return [name for name in self.columns() if name != self.direction]


@dataclass(frozen=True)
class KindRule:
    """Rows whose `column` is, or contains, one of `words` are of a kind; with no column, all."""

    kind: str
    column: str | None = None
    words: tuple[str, ...] = ()
    contains: bool = False
    sign: Literal["positive", "negative"] | None = None  # only rows of this direction


@dataclass(frozen=True)
class StatedTotal:
    """A figure the file states about itself: the first group of a pattern, in a line of its start
    or its end."""

    name: str
    pattern: str
    of: TotalOf


@dataclass(frozen=True)
class StatementMapping:
    """One kind of statement (`[[statement]]` in configs/providers/<slug>.toml)."""

    name: str
    title: str
    time_zone: str
    amounts: Amounts
    kinds: tuple[KindRule, ...]
    date_column: str
    date_format: str
    time_column: str | None = None
    time_format: str = "%H:%M:%S"
    columns: Mapped[str, str] = field(default_factory=dict)  # canonical -> source
    description: tuple[str, ...] = ()
    currency: str | None = None  # of all rows
    currency_column: str | None = None
    currency_codes: Mapped[str, str] = field(default_factory=dict)
    statuses: Mapped[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()  # columns that name a row, where it has no number of its own
    numbers: Numbers = field(default_factory=Numbers)
    totals: tuple[StatedTotal, ...] = ()
    account_pattern: str | None = None
    account_column: str | None = None  # of a file that holds several
    date_pattern: str | None = None  # of the day the whole file is of
    encoding: str = "utf-8"
    separator: str = ","
    footer: str | None = None  # what a line starts with that is no row
    trailing_separator: bool = False
    # Makes delimited UTF-8 text of a workbook, of JSON, of columns of fixed width; io provides it.
    as_text: Callable[[Content], Content | None] | None = None

    def tells_time(self) -> bool:
        """Whether a row has a time, and not only a date."""
        form = self.date_format if self.time_column is None else self.time_format
        return any(letter in form for letter in ("%H", "%I", "%T", "%s"))

    def wanted(self) -> list[str]:
        """Every source column the mapping reads, each once."""
        names = [
            self.date_column,
            self.time_column,
            self.account_column,
            self.currency_column,
            *self.columns.values(),
            *self.description,
            *self.amounts.columns(),
            *(rule.column for rule in self.kinds),
            *self.key,
        ]
        return list(dict.fromkeys(name for name in names if name is not None))


def provider_from(
    slug: str, title: str, title_zh: str, statements: tuple[StatementMapping, ...]
) -> Provider:
    """The provider that reads its statements as the mappings say."""
    return Provider(slug, title, title_zh, tuple(_kind(slug, one) for one in statements))


def _kind(slug: str, mapping: StatementMapping) -> Kind:
    def reader(content: Content, context: ReadContext) -> Reading:
        return read(content, context, slug, mapping)

    return Kind(
        name=mapping.name,
        title=mapping.title,
        url="described by the configuration",
        time_zone=mapping.time_zone,
        describe=lambda content: describe(content, mapping),
        read=reader,
        places=_places(reader, mapping),
        is_dated_by_time=mapping.tells_time(),
        nearly=lambda content: _nearly(content, mapping),
    )


def _nearly(content: Content, mapping: StatementMapping) -> str | None:
    as_text = _as_text(content, mapping)
    if as_text is None:
        return None
    encoding = mapping.encoding if mapping.as_text is None else "utf-8"
    return difference(as_text, mapping.wanted(), encoding, mapping.separator, _HEAD_LINES)


def _places(
    reader: Callable[[Content, ReadContext], Reading], mapping: StatementMapping
) -> Places | None:
    """Where the rows of a file belong; None where a line of it says so for all of them."""
    by_row = places_of_lines(reader)
    if mapping.date_pattern is None:
        return by_row
    if mapping.account_column is None:
        return None

    def places(content: Content, context: ReadContext) -> frozenset[Place]:
        """All accounts of the rows, on the day the file says it is of."""
        description = describe(content, mapping)
        days = description.period if description else None
        found = by_row(content, context)
        return frozenset(Place(place.account, day) for place in found for day in days or ())

    return places


def describe(content: Content, mapping: StatementMapping) -> Description | None:
    """Told by the header: all the columns that the mapping reads are there."""
    as_text = _as_text(content, mapping)
    if as_text is None:
        return None
    content, encoding = as_text, mapping.encoding if mapping.as_text is None else "utf-8"
    try:
        lines, tail = content.head_lines(encoding), content.tail_lines(encoding)
    except StatementError:
        return None
    table = _table(lines, mapping)
    if table is None:
        return None
    if mapping.account_column is None:
        account = _found(mapping.account_pattern, lines, tail)
    else:
        account = _first_account(lines, table, mapping.account_column)
    return Description(mapping.name, account, period=_day(lines, tail, mapping), encoding=encoding)


def read(content: Content, context: ReadContext, slug: str, mapping: StatementMapping) -> Reading:
    """The statement as canonical tables; rows keep the line number of the file."""
    as_text = _as_text(content, mapping)
    if as_text is None:
        raise StatementError(f"{content.name}: not a file of the kind {mapping.name}")
    content = as_text
    lines, tail = content.head_lines("utf-8"), content.tail_lines("utf-8")
    table = _table(lines, mapping)
    if table is None:
        raise StatementError(
            f"{content.name}: no line has the columns {', '.join(mapping.wanted())}"
        )
    account = _found(mapping.account_pattern, lines, tail)
    stated = {
        total.name: _found(total.pattern, lines[: table.header_line - 1], tail)
        for total in mapping.totals
    }
    return mapped_rows.read(content, context, slug, mapping, table, account, stated)


def _as_text(content: Content, mapping: StatementMapping) -> Content | None:
    """The statement as delimited text; None where the file is nothing of the kind."""
    return content if mapping.as_text is None else mapping.as_text(content)


def _table(lines: list[str], mapping: StatementMapping) -> Table | None:
    found = find_table(lines[:_HEAD_LINES], mapping.wanted(), mapping.separator, mapping.footer)
    if found is None or repeated(found.header, mapping.wanted()):
        return None
    if not mapping.trailing_separator:
        return found
    # A separator after the last cell makes a cell more in the rows than the header has.
    header = found.header if found.header[-1] == "" else (*found.header, _SURPLUS)
    return Table(header, found.header_line, found.separator, found.comment)


def _day(lines: list[str], tail: list[str], mapping: StatementMapping) -> Period | None:
    day = _found(mapping.date_pattern, lines, tail)
    return None if day is None else mapped_rows.one_day_of(day, mapping)


def _first_account(lines: list[str], table: Table, column: str) -> str | None:
    """The account of the first row; None where there is no row."""
    for line in lines[table.header_line :]:
        if line.strip() and not (table.comment and line.startswith(table.comment)):
            cells = split_line(line, table.separator)
            return dict(zip(table.header, cells, strict=False)).get(column) or None
    return None


def _found(pattern: str | None, lines: list[str], tail: list[str]) -> str | None:
    if pattern is None:
        return None
    for line in (*lines, *reversed(tail)):
        match = re.search(pattern, line)
        if match is not None:
            return match.group(1).strip()
    return None
