"""Frames out of and into SQL, exactly: every value crosses the border as text, none as a float.

Why not ADBC, which reads SQLite twice as fast: its driver brings a second SQLite library into the
process, and POSIX locks belong to the process. Measured here: closing its connection deletes the
write-ahead log under the first library's feet, and a transaction committed afterwards is gone after
a crash; while we hold a write transaction, another process may write too. It is documented at
https://sqlite.org/howtocorrupt.html ("Multiple copies of SQLite linked into the same application").
So SQLite prints each row as JSON, PostgreSQL as COPY text, and Polars parses them by the batch.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import polars as pl
import sqlalchemy as sa

from recon.errors import ensure
from recon.io.schema import Instant
from recon.money import MONEY, to_text
from recon.tables import INSTANT, Schema, empty

AnySelect: TypeAlias = sa.Select[*tuple[Any, ...]]

BATCH_ROWS: Final = 100_000
SLICE: Final = 50_000
_INSERT_ROWS: Final = 10_000  # more are slower: the tuples no longer fit the processor's cache

_COPY_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COPY_LETTERS: Final = {escape: plain for plain, escape in _COPY_ESCAPES.items()} | {
    "\\b": "\b",
    "\\f": "\f",
    "\\v": "\v",
}


def read_rows(
    connection: sa.Connection,
    select: AnySelect,
    schema: Schema,
    *,
    sliced_by: sa.ColumnElement[int] | None = None,
) -> pl.DataFrame:
    """Run `select`, whose columns bear the names of `schema`; dtypes are exactly those of `schema`.

    No order is promised: text sorts differently from database to database, so sort the frame.
    `sliced_by` is for a select of millions: a number that an index finds its rows by. SQLite then
    prints thousands of them at a time, and the one slice is parsed while it prints the next.
    """
    if sliced_by is None or connection.dialect.name != "sqlite":
        found = text_batches(connection, _as_texts(select, schema, connection.dialect.name))
        batches = [from_text(batch, schema) for batch in found]
    else:
        slices = _json_slices(connection, select, schema, sliced_by)
        with ThreadPoolExecutor(max_workers=1) as other:
            parsed = [other.submit(_parsed, text, schema) for text in slices]
            batches = [one.result() for one in parsed]
    return pl.concat(batches) if batches else empty(schema)


def _as_texts(select: AnySelect, schema: Schema, dialect: str) -> AnySelect:
    source = select.subquery()
    return sa.select(*(_text_of(source.c[name], dialect).label(name) for name in schema))


def _parsed(text: "_JsonRows", schema: Schema) -> pl.DataFrame:
    return from_text(_json_frame(text, list(schema)), schema)


def write_frame(connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> int:
    """Insert the rows of `frame`, whose columns bear the names of those of `table`; their count.

    Part of the caller's transaction: COPY on PostgreSQL, `executemany` on SQLite. Errors:
    sqlalchemy.exc.IntegrityError on SQLite and psycopg.IntegrityError on PostgreSQL.
    """
    quoted = connection.dialect.identifier_preparer
    columns = ", ".join(quoted.quote(table.c[name].name) for name in frame.columns)
    target = f"{quoted.format_table(table)} ({columns})"
    if connection.dialect.name == "postgresql":
        for batch in frame.iter_slices(BATCH_ROWS):
            _copy_in(connection, f"COPY {target} FROM STDIN", as_text(batch))
        return frame.height
    slots = ", ".join("?" for _ in frame.columns)
    for batch in frame.iter_slices(_INSERT_ROWS):
        cells = (column.to_list() for column in as_text(batch).iter_columns())
        rows = list(zip(*cells, strict=True))  # in half the time of DataFrame.rows
        connection.exec_driver_sql(f"INSERT INTO {target} VALUES ({slots})", rows)
    return frame.height


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as the text both databases read back to the same value; null stays null.

    NUL, which PostgreSQL cannot hold in text, becomes the visible symbol U+2400.
    """
    return frame.select(_as_text(name, dtype) for name, dtype in frame.schema.items())


def content_digest(frame: pl.DataFrame, *order: str) -> str:
    """The sha256 of a frame's text, sorted by `order`: the same for any version of anything.

    For small frames: of millions of rows `ledger.entries_digest` is ten times as fast.
    """
    text = as_text(frame.sort(*order)).write_csv(quote_style="always", null_value="\\N")
    return hashlib.sha256(text.encode()).hexdigest()


def from_text(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The inverse of `as_text`. Errors: those of Polars, on text that `as_text` never gives."""
    return frame.select(_from_text(name, dtype) for name, dtype in schema.items())


def text_batches(connection: sa.Connection, select: AnySelect) -> Iterator[pl.DataFrame]:
    """The rows of a select whose columns are all text, some 100,000 at a time."""
    names = [column.name for column in select.selected_columns]
    if connection.dialect.name == "sqlite":
        return _json_batches(connection, select, names)
    if connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg":
        return _copy_batches(connection, select, names)
    return _cursor_batches(connection, select, names)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    ensure(not dtype.is_float(), f"column {name} is a float on its way to the database")
    if isinstance(dtype, pl.Decimal):
        # The condition is ours: an unknown amount must never become "0".
        return pl.when(column.is_not_null()).then(to_text(column.cast(MONEY))).alias(name)
    if isinstance(dtype, pl.Datetime):
        ensure(dtype.time_zone is not None, f"column {name} has no time zone")
        return column.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%d %H:%M:%S%.6f")
    if isinstance(dtype, pl.List):
        wrapped = pl.struct(column.alias("")).struct.json_encode()
        json = wrapped.str.strip_prefix('{"":').str.strip_suffix("}")
        return pl.when(column.is_not_null()).then(_visible_nul(json, "\\u0000")).alias(name)
    if dtype == pl.Boolean():
        return column.cast(pl.Int8).cast(pl.String)
    text = column.cast(pl.String)
    return _visible_nul(text, "\0") if dtype == pl.String() else text


def _visible_nul(text: pl.Expr, nul: str) -> pl.Expr:
    return text.str.replace_all(nul, "\N{SYMBOL FOR NULL}", literal=True)


def _from_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.String():
        return column
    if dtype == pl.Date():
        return column.str.to_date("%Y-%m-%d", strict=True)
    if dtype == INSTANT:
        moment = column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=True)
        return moment.dt.replace_time_zone("UTC")
    if dtype == pl.Boolean():
        return column.replace_strict({"0": False, "1": True, "false": False, "true": True})
    if isinstance(dtype, pl.List):
        return column.str.json_decode(dtype)
    return column.cast(dtype, strict=True)  # money and counts


def _text_of(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[str]:
    if dialect == "postgresql" and isinstance(column.type, Instant | sa.DateTime):
        utc = sa.func.timezone("UTC", column)
        return sa.func.to_char(utc, "YYYY-MM-DD HH24:MI:SS.US")
    return sa.cast(column, sa.Text())


@dataclass(frozen=True)
class _JsonRows:
    """Rows as JSON arrays of texts, one a line; the first and the last of each are no cells."""

    count: int
    text: str


def _json_row(select: AnySelect) -> sa.ColumnElement[str]:
    # Between two nulls, so that the brackets are not part of a cell.
    return sa.func.json_array(sa.null(), *select.selected_columns, sa.null())


def _json_batches(
    connection: sa.Connection, select: AnySelect, names: list[str]
) -> Iterator[pl.DataFrame]:
    # The driver's own cursor, unbuffered: SQLAlchemy's row objects cost as much again.
    rows = select.with_only_columns(_json_row(select))
    result = connection.execute(rows, execution_options={"stream_results": False})
    cursor: Any = result.cursor
    while batch := cursor.fetchmany(BATCH_ROWS):
        yield _json_frame(_JsonRows(len(batch), "\n".join(text for (text,) in batch)), names)


def _json_slices(
    connection: sa.Connection, select: AnySelect, schema: Schema, by: sa.ColumnElement[int]
) -> Iterator[_JsonRows]:
    # One after the other: only alone is either of them looked up in the index.
    first, last = (
        connection.execute(select.with_only_columns(end)).scalar_one()
        for end in (sa.func.min(by), sa.func.max(by))
    )
    if first is None or last is None:
        return
    since, until = sa.bindparam("since", type_=sa.Integer), sa.bindparam("until", type_=sa.Integer)
    texts = _as_texts(select.where(by.between(since, until)), schema, "sqlite")
    printed = texts.with_only_columns(sa.func.count(), sa.func.group_concat(_json_row(texts), "\n"))
    for start in range(first, last + 1, SLICE):
        bounds = {"since": start, "until": start + SLICE - 1}
        count, text = connection.execute(printed, bounds).one()
        if count:
            yield _JsonRows(count, text)


def _json_frame(rows: _JsonRows, names: list[str]) -> pl.DataFrame:
    """The cells of rows. Where nothing had to be escaped and no text reads null, they are CSV as
    well, which is parsed in half the time."""
    if "\\" in rows.text or '"null"' in rows.text:
        lines = pl.Series("cells", rows.text.split("\n"))
        cells = lines.str.json_decode(pl.List(pl.String)).to_frame()
        frame = cells.select(
            pl.col("cells").list.get(place).alias(name) for place, name in enumerate(names, start=1)
        )
    else:
        frame = pl.read_csv(
            rows.text.encode(),
            has_header=False,
            schema=dict.fromkeys(["[", *names, "]"], pl.String()),
            null_values="null",
            empty_string_is_null=False,
        ).select(names)
    ensure(frame.height == rows.count, "a row was lost on its way from SQLite")
    return frame


def _copy_batches(
    connection: sa.Connection, select: AnySelect, names: list[str]
) -> Iterator[pl.DataFrame]:
    compiled = select.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    # The wrapped driver's cursor: SQLAlchemy has no COPY. Its parameters are bound by psycopg.
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY ({compiled}) TO STDOUT", compiled.params) as copy:
        lines: list[bytes] = []
        for line in copy:
            lines.append(bytes(line))
            if len(lines) == BATCH_ROWS:
                yield _copy_frame(lines, names)
                lines = []
        if lines:
            yield _copy_frame(lines, names)


def _copy_frame(lines: list[bytes], names: list[str]) -> pl.DataFrame:
    frame = pl.read_csv(
        b"".join(lines),
        has_header=False,
        separator="\t",
        quote_char=None,
        schema=dict.fromkeys(names, pl.String()),
        null_values="\\N",
        empty_string_is_null=False,
    )
    ensure(frame.height == len(lines), "a row was lost on its way from PostgreSQL")
    return frame.with_columns(pl.all().str.replace_many(_COPY_LETTERS))


def _copy_in(connection: sa.Connection, statement: str, texts: pl.DataFrame) -> None:
    cells = pl.all().str.replace_many(_COPY_ESCAPES).fill_null("\\N")
    lines = texts.with_columns(cells).select(pl.concat_str(pl.all(), separator="\t")).to_series()
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        copy.write("\n".join(lines.to_list()) + "\n")


def _cursor_batches(
    connection: sa.Connection, select: AnySelect, names: list[str]
) -> Iterator[pl.DataFrame]:
    # Any other database a company keeps its ledger in.
    result = connection.execute(select, execution_options={"stream_results": True})
    for batch in result.partitions(BATCH_ROWS):
        yield pl.DataFrame(
            [tuple(row) for row in batch], schema=dict.fromkeys(names, pl.String()), orient="row"
        )
