"""The container of PayPal's SFTP reports: typed lines, a body between headers and footers.

The first cell of a line is its type. RH and FH open the report and the file, SH a section, CH names
the columns of the SB rows below it; SF and SC close the section, RF and RC the report, FF the file.

A row is trusted only when it has exactly the cells its CH names.
"""

import re
from dataclasses import dataclass

import polars as pl

from recon.errors import StatementError
from recon.providers.contract import Content
from recon.providers.paypal.lines import (
    FOOTER_TYPES,
    HEADER_TYPES,
    ROW_TYPE,
    Record,
    all_lines,
    has_cells,
    is_of_type,
    is_row,
    other_lines,
    record_of,
    well_formed,
)

_FIRST_LINE = re.compile(rf'^\ufeff?"?(?:{"|".join(HEADER_TYPES)})"?([,\t])')
_VALUE_LENGTH = 200  # of a broken line, as shown in a reject


@dataclass(frozen=True)
class Container:
    """A report taken apart.

    `rows` has `line_no`, `section` (how many SH lines are above, 0 for none) and one String column
    a wanted name, empty text for an empty cell and for a column the CH does not have. `defects` are
    the lines that are neither record nor row: line_no, section, is_row, value, reason. Every line
    but blank ones is in exactly one of the three.
    """

    records: tuple[Record, ...]
    rows: pl.LazyFrame
    defects: pl.DataFrame

    def of_type(self, type_: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.type == type_)


def head_records(content: Content) -> list[Record]:
    """The header lines at the start of the file; nothing when this is not the container.

    Bytes that are not UTF-8 do not matter here, so that `unpack` can say exactly what is wrong.
    """
    text = content.head.decode("utf-8", errors="replace").removeprefix("\ufeff")
    first = _FIRST_LINE.match(text)
    if first is None:
        return []
    lines = enumerate(text.splitlines(), start=1)
    records = (record_of(line_no, line, first[1]) for line_no, line in lines)
    return [record for record in records if record.type in HEADER_TYPES]


def sections(content: Content) -> list[Record]:
    """The SH lines of the whole file. Errors: StatementError for bytes that are not UTF-8."""
    first = _FIRST_LINE.match(content.head.decode("utf-8", errors="replace"))
    separator = "," if first is None else first[1]
    try:
        found = (
            all_lines(content.scannable)
            .filter(pl.col("text").str.contains(rf'^"?SH"?{separator}'))
            .collect(engine="streaming")
        )
    except pl.exceptions.ComputeError as error:
        raise _unreadable(content, error) from None
    return [record_of(line_no, text, separator) for line_no, text in found.iter_rows()]


def name_key(name: str) -> str:
    """Column names as compared: files differ in spaces (`ConsumerID`, `Transaction  Debit ...`)."""
    return re.sub(r"\s", "", name).casefold()


def unpack(content: Content, *, required: list[str], optional: list[str]) -> Container:
    """Take a report apart, with the wanted columns of its rows.

    Errors: StatementError for bytes that are not UTF-8, a file without CH line, a CH line without a
    required column or with one twice, quotes that do not pair around a header line, and a file that
    ends inside of quotes.
    """
    first = _FIRST_LINE.match(content.head.decode("utf-8", errors="replace"))
    if first is None:
        raise StatementError(f"{content.name}: does not start with an RH, FH, SH or CH line")
    try:
        return _unpacked(content, first[1], required, optional)
    except pl.exceptions.ComputeError as error:
        raise _unreadable(content, error) from None


def _unreadable(content: Content, error: Exception) -> StatementError:
    return StatementError(
        f"{content.name}: cannot be read as UTF-8 CSV ({str(error).splitlines()[0]}); was the "
        "file opened and saved by another program? Fetch the original again"
    )


def _unpacked(
    content: Content, separator: str, required: list[str], optional: list[str]
) -> Container:
    source = content.scannable
    lines = other_lines(content, separator).lazy()
    layout = _Layout.of(lines, separator, content)
    unclear = layout.unclear_lines(lines)
    broken = unclear.clear()
    if not (layout.is_well_formed and unclear["text"].str.contains(well_formed(separator)).all()):
        source, broken = _mended(all_lines(source), separator)
        _check_headers_survive(broken, separator, content)
        _check_end(broken, separator, content)
        lines = all_lines(source)
        layout = _Layout.of(lines, separator, content)
        unclear = layout.unclear_lines(lines)
    for header in layout.headers:
        _check_names(header, content, required)
    defects = pl.concat([layout.explained(unclear), _explained_broken(broken, separator)])
    defects = defects.sort("line_no").with_columns(section=layout.section_of_lines())
    return Container(
        records=layout.records,
        rows=layout.rows(source, [*required, *optional], exclude=defects["line_no"]),
        defects=defects,
    )


@dataclass(frozen=True)
class _Layout:
    """Where the header and footer lines are, and so how the rows are to be read; from all lines, or
    from those that are not rows with the cells of their CH line."""

    separator: str
    records: tuple[Record, ...]
    is_well_formed: bool

    @staticmethod
    def of(lines: pl.LazyFrame, separator: str, content: Content) -> "_Layout":
        found = (
            lines.filter(~is_row(separator))
            .filter(is_of_type((*HEADER_TYPES, *FOOTER_TYPES), separator))
            .collect(engine="streaming")
        )
        layout = _Layout(
            separator=separator,
            records=tuple(
                record_of(line_no, text, separator) for line_no, text in found.iter_rows()
            ),
            is_well_formed=found["text"].str.contains(well_formed(separator)).all(),
        )
        if not layout.headers:
            raise StatementError(
                f"{content.name}: no CH line names the columns; a part of a report cannot be read "
                "without it"
            )
        return layout

    @property
    def headers(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.type == "CH")

    @property
    def sections(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.type == "SH")

    def unclear_lines(self, lines: pl.LazyFrame) -> pl.DataFrame:
        """Lines that are no record and no row with exactly the cells its header names."""
        known = pl.Series([record.line_no for record in self.records], dtype=pl.UInt32)
        whole = self._by_header(
            [has_cells(len(header.cells), self.separator) for header in self.headers]
        )
        above = pl.col("line_no") < self.headers[0].line_no
        return (
            lines.filter(~whole | above)
            .filter((pl.col("text") != "") & ~pl.col("line_no").is_in(known.implode()))
            .collect(engine="streaming")
        )

    def explained(self, unclear: pl.DataFrame) -> pl.DataFrame:
        unquoted = pl.col("text").str.replace_all(r'"(?:[^"]|"")*"', "")
        count = unquoted.str.count_matches(self.separator, literal=True) + 1
        stated = self._by_header([pl.lit(len(header.cells)) for header in self.headers])
        is_of_row = is_row(self.separator)
        return unclear.select(
            "line_no",
            is_row=is_of_row,
            value=pl.col("text").str.head(_VALUE_LENGTH),
            reason=pl.when(~is_of_row)
            .then(pl.lit("the first cell is no record type of this report"))
            .when(pl.col("line_no") < self.headers[0].line_no)
            .then(pl.lit("no CH line above the row says what its cells mean"))
            .otherwise(
                pl.concat_str(
                    pl.lit("the row has "), count, pl.lit(" cells, its CH line names "), stated
                )
            ),
        )

    def section_of_lines(self) -> pl.Expr:
        starts = pl.Series([record.line_no for record in self.sections], dtype=pl.UInt32)
        return pl.lit(starts).search_sorted(pl.col("line_no")).cast(pl.UInt32)

    def rows(self, source: bytes | str, names: list[str], *, exclude: pl.Series) -> pl.LazyFrame:
        scanned = pl.scan_csv(
            source,
            has_header=False,
            separator=self.separator,
            schema={
                f"cell_{i}": pl.String() for i in range(max(len(h.cells) for h in self.headers))
            },
            empty_string_is_null=False,
            missing_columns="insert",  # headers and footers have other widths than the rows
            extra_columns="ignore",
            truncate_ragged_lines=True,
            row_index_name="line_no",
            row_index_offset=1,
            glob=False,
        )
        scanned = scanned.with_columns(section=self._section_number())
        scanned = scanned.filter(pl.col("cell_0") == ROW_TYPE)
        if len(exclude):
            scanned = scanned.filter(~pl.col("line_no").is_in(exclude.implode()))
        return scanned.select(
            "line_no", "section", *(self._column(name).alias(name) for name in names)
        )

    def _section_number(self) -> pl.Expr:
        """Counted on the way only when it can vary: counting must keep the rows in order."""
        numbers = [section.line_no for section in self.sections]
        if not numbers or (len(numbers) == 1 and numbers[0] < self.headers[0].line_no):
            return pl.lit(len(numbers), dtype=pl.UInt32)
        return (pl.col("cell_0") == "SH").cum_sum().cast(pl.UInt32)

    def _column(self, name: str) -> pl.Expr:
        return self._by_header([_cell_named(name, header) for header in self.headers])

    def _by_header(self, expressions: list[pl.Expr]) -> pl.Expr:
        """For every row the expression of the nearest CH line above it."""
        chosen, previous = expressions[0], expressions[0]
        for header, expression in zip(self.headers[1:], expressions[1:], strict=True):
            if not expression.meta.eq(previous):
                below = pl.col("line_no") > header.line_no
                chosen = pl.when(below).then(expression).otherwise(chosen)
            previous = expression
        return chosen


def _mended(lines: pl.LazyFrame, separator: str) -> tuple[bytes, pl.DataFrame]:
    """The file again with every record on one line, and the records whose quotes do not pair.

    A cell may hold a line break inside quotes; whether a line starts a record follows from the
    number of quotes above it and not from what it looks like, because the break and what comes
    after it are a payer's text. Breaks become spaces and blank lines keep the numbers of the lines;
    records that are not well-formed become blank. Rare, so it may hold the file in memory.
    """
    quotes = pl.col("text").str.count_matches('"', literal=True)
    starts = (quotes.cum_sum() - quotes) % 2 == 0
    records = (
        lines.with_columns(record=starts.cum_sum())
        .group_by("record", maintain_order=True)
        .agg(pl.col("line_no").first(), pl.col("text").str.join("\n"), line_count=pl.len())
        .with_columns(is_whole=pl.col("text").str.contains(well_formed(separator)))
        .collect()
    )
    text = pl.when("is_whole").then(pl.col("text").str.replace_all("\n", " ", literal=True))
    blank_lines = pl.lit("\n").repeat_by(pl.col("line_count") - 1).list.join("")
    whole = records.select((text.otherwise(pl.lit("")) + blank_lines).str.join("\n")).item()
    return whole.encode(), records.filter(~pl.col("is_whole")).select("line_no", "text")


def _check_headers_survive(broken: pl.DataFrame, separator: str, content: Content) -> None:
    """Rows below a lost header line would go to another account or to other columns."""
    pattern = rf'(?m)^"?(?:{"|".join(HEADER_TYPES)})"?{separator}'
    lost = broken.filter(pl.col("text").str.contains(pattern))
    if not lost.is_empty():
        raise StatementError(
            f"{content.name}, line {lost['line_no'][0]}: the quotes do not pair, and what they "
            "leave open holds a header line; fetch the original again"
        )


def _check_end(broken: pl.DataFrame, separator: str, content: Content) -> None:
    """A quote that is open at the end is a cut, unless the file ends with a footer all the same:
    then somebody's text has a quote too many, and the rows from there on are rejects."""
    last = "" if broken.is_empty() else broken["text"][-1]
    footer = rf'"?(?:{"|".join(FOOTER_TYPES)})"?(?:{separator}|$)'
    if last.count('"') % 2 == 1 and not re.match(footer, last.rstrip().rpartition("\n")[2]):
        raise StatementError(
            f"{content.name}, line {broken['line_no'][-1]}: the file ends inside of quotes, so it "
            "was cut on its way; fetch it again"
        )


def _explained_broken(broken: pl.DataFrame, separator: str) -> pl.DataFrame:
    return broken.select(
        "line_no",
        is_row=is_row(separator),
        value=pl.col("text").str.head(_VALUE_LENGTH),
        reason=pl.concat_str(
            pl.lit("the quotes do not pair; "),
            pl.col("text").str.count_matches("\n", literal=True) + 1,
            pl.lit(" line(s) from here cannot be told apart"),
        ),
    )


def _check_names(header: Record, content: Content, required: list[str]) -> None:
    keys = [name_key(name) for name in header.cells[1:]]
    missing = [name for name in required if name_key(name) not in keys]
    twice = sorted({key for key in keys if key and keys.count(key) > 1})
    if missing or twice:
        problem = f"no column {', '.join(missing)}" if missing else f"twice: {', '.join(twice)}"
        raise StatementError(f"{content.name}, line {header.line_no}: the CH line has {problem}")


def _cell_named(name: str, header: Record) -> pl.Expr:
    keys = [name_key(cell) for cell in header.cells]
    key = name_key(name)
    return pl.col(f"cell_{keys.index(key)}") if key in keys else pl.lit("")
