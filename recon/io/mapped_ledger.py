"""A company's own table or view, read as ledger entries through any database SQLAlchemy speaks to.

Table and column names from the configuration are looked up in the database and quoted, never pasted
into SQL; anything that needs an expression belongs into a view of the company's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.errors import UserError
from recon.io.database import place_of, readable_errors
from recon.io.entry_rows import (
    REQUIRED,
    SAME_KINDS,
    SAME_STATUSES,
    conflict_rejects,
    conflicting,
    understand,
)
from recon.io.frames import text_batches
from recon.periods import Period
from recon.tables import KINDS, LEDGER_ENTRY, REJECT, STATUSES, conform, empty

_FIRST_DAY: Final = date(1970, 1, 1)
_IMPLIED: Final = ("provider", "account")  # where neither a column nor a constant says: all of it


@dataclass(frozen=True)
class MappedLedger:
    """Where a company keeps its ledger, and what its columns and codes are called with us.

    `columns` and `constants` are by the name of the LEDGER_ENTRY column; `table` may be
    schema.table. An empty `kind_map` or `status_map` says that the codes are ours already.
    """

    url: str
    table: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    kind_map: Mapping[str, str] = field(default_factory=dict)
    status_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entries:
    """`frame` is LEDGER_ENTRY sorted by entry_id; `rejects` is REJECT: rows not understood."""

    frame: pl.DataFrame
    rejects: pl.DataFrame


def read_mapped_entries(
    mapped: MappedLedger, provider: str, account: str, period: Period
) -> Entries:
    """Entries of one account by business date from a company table. Nothing is written there.

    Rows with a business date that is empty, or not a date, cannot be told from those of the period
    and are rejects of every period. Rejects have the source's column names, the table as file_id
    and the row's place in the order of entry_id as line_no. Errors: UserError for a mapping that
    does not fit, and for amounts in binary floating point; ReconError for a server out of reach.
    """
    return _read(mapped, provider, account, period, None)


def read_mapped_orders(
    mapped: MappedLedger, provider: str, account: str, orders: Sequence[str], before: date
) -> pl.DataFrame:
    """LEDGER_ENTRY of one account before a business date whose own reference, or whose parent's, is
    one of `orders`; nothing where the table does not tell both. Rows not understood are left out:
    they are rejects of their own day."""
    if not {"merchant_ref", "parent_ref"} <= set(mapped.columns):
        return empty(LEDGER_ENTRY)
    return _read(
        mapped, provider, account, Period(_FIRST_DAY, before - timedelta(days=1)), orders
    ).frame


def rows_by_day(
    mapped: MappedLedger, provider: str, account: str, period: Period
) -> dict[date, int]:
    """How many rows of an account the table has of each day of a period that it has any of. Errors
    as in `read_mapped_entries`."""
    _check_mapping(mapped)
    wanted = {"provider": provider, "account": account}
    if _is_of_others(mapped, wanted):
        return {}
    with _opened(mapped) as (connection, table):
        text = _text_of(table.c[mapped.columns["business_date"]], "business_date", connection)
        days = sa.select(sa.func.substr(text, 1, 10).label("day"))
        chosen = days.where(*_conditions(connection, table, mapped, wanted, period)).subquery()
        counted = sa.select(chosen.c.day, sa.func.count()).group_by(chosen.c.day)
        found: dict[str | None, int] = dict(iter(connection.execute(counted)))
    return {day: found[day.isoformat()] for day in period if day.isoformat() in found}


def _read(
    mapped: MappedLedger,
    provider: str,
    account: str,
    period: Period,
    orders: Sequence[str] | None,
) -> Entries:
    _check_mapping(mapped)
    wanted = {"provider": provider, "account": account}
    if _is_of_others(mapped, wanted):
        return Entries(empty(LEDGER_ENTRY), empty(REJECT))
    with _opened(mapped) as (connection, table):
        rows = _rows(connection, table, mapped, wanted, period, orders)
    numbered = rows.sort("entry_id", *rows.columns).with_row_index("line_no", offset=1)
    understood = understand(
        numbered,
        mapped.table,
        kinds=mapped.kind_map or SAME_KINDS,
        statuses=mapped.status_map or SAME_STATUSES,
        field_names=mapped.columns,
    )
    entries = understood.entries
    contradicting = pl.col("entry_id").is_in(conflicting(entries).implode())
    conflicts = conflict_rejects(
        entries.filter(contradicting), mapped.table, mapped.columns["entry_id"]
    )
    rejects = pl.concat([understood.rejects, conform(conflicts, REJECT)]).sort("line_no")
    frame = entries.filter(~contradicting).select(LEDGER_ENTRY.keys()).unique()
    return Entries(frame.sort("entry_id"), rejects)


def _is_of_others(mapped: MappedLedger, wanted: Mapping[str, str]) -> bool:
    """Whether the whole table is another account's."""
    return any(mapped.constants.get(name, value) != value for name, value in wanted.items())


@contextmanager
def _opened(mapped: MappedLedger) -> Iterator[tuple[sa.Connection, sa.TableClause]]:
    engine = _engine_of(mapped.url)
    try:
        with readable_errors(engine), engine.connect() as connection:
            yield connection, _table_of(connection, mapped)
    finally:
        engine.dispose()


def _check_mapping(mapped: MappedLedger) -> None:
    problems = []
    given = [*mapped.columns, *mapped.constants]
    unknown = [name for name in given if name not in LEDGER_ENTRY]
    if unknown:
        problems.append(f"unknown: {', '.join(unknown)}; valid: {', '.join(LEDGER_ENTRY)}")
    twice = [name for name in mapped.columns if name in mapped.constants]
    if twice:
        problems.append(f"both a column and a constant: {', '.join(twice)}")
    missing = [name for name in REQUIRED if name not in given and name not in _IMPLIED]
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
    must_vary = [name for name in ("entry_id", "business_date") if name in mapped.constants]
    if must_vary:
        problems.append(f"must be a column, not a constant: {', '.join(must_vary)}")
    for what, codes, valid in (
        ("kind", mapped.kind_map, KINDS),
        ("status", mapped.status_map, STATUSES),
    ):
        wrong = sorted(set(codes.values()) - set(valid))
        if wrong:
            problems.append(f"no such {what}: {', '.join(wrong)}; valid: {', '.join(valid)}")
    if problems:
        raise UserError(
            f"the ledger table {mapped.table!r} is mapped wrongly: {'. '.join(problems)}"
        )


def _engine_of(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
            raise UserError(f"the ledger database {place_of(parsed)} does not exist")
        return sa.create_engine(parsed)
    except sa.exc.NoSuchModuleError as error:
        raise UserError(f"the ledger's database is of a kind not known here: {error}") from None
    except (sa.exc.ArgumentError, ValueError):  # the message may repeat the URL, with a password
        raise UserError("the ledger's database URL cannot be read; see SQLAlchemy's URLs") from None
    except ModuleNotFoundError as error:
        raise UserError(
            f"the ledger's database needs the package {error.name}; install it"
        ) from None


def _table_of(connection: sa.Connection, mapped: MappedLedger) -> sa.TableClause:
    """The table with its columns and their types as the database declares them."""
    schema, _, name = mapped.table.rpartition(".")
    inspector = sa.inspect(connection)
    is_there = not schema or schema in inspector.get_schema_names()
    if not is_there or not inspector.has_table(name, schema or None):
        known = []
        if is_there:
            known += inspector.get_table_names(schema or None)
            known += inspector.get_view_names(schema or None)
        raise UserError(
            f"the ledger database has no table {mapped.table!r}; "
            f"it has: {', '.join(sorted(known)) or 'none there'}"
        )
    columns = [
        sa.column(column["name"], column["type"])
        for column in inspector.get_columns(name, schema or None)
    ]
    table = sa.table(name, *columns, schema=schema or None)
    absent = sorted(set(mapped.columns.values()) - set(table.c.keys()))
    if absent:
        raise UserError(
            f"the ledger table {mapped.table!r} has no column {', '.join(map(repr, absent))}; "
            f"it has: {', '.join(table.c.keys())}"
        )
    amount = mapped.columns.get("amount")
    if amount is not None and isinstance(table.c[amount].type, sa.Float):
        raise _float_error(mapped)
    return table


def _float_error(mapped: MappedLedger) -> UserError:
    return UserError(
        f"column {mapped.columns['amount']!r} of the ledger table {mapped.table!r} holds binary "
        "floating point numbers, which cannot hold most amounts exactly; keep amounts in a decimal "
        "column (in SQLite: text), or in whole cents that a view turns into decimals"
    )


def _rows(
    connection: sa.Connection,
    table: sa.TableClause,
    mapped: MappedLedger,
    wanted: Mapping[str, str],
    period: Period,
    orders: Sequence[str] | None,
) -> pl.DataFrame:
    """The account's rows as text, under canonical column names."""
    conditions = _conditions(connection, table, mapped, wanted, period)
    if orders is not None:
        conditions.append(
            sa.or_(
                *(
                    sa.cast(table.c[mapped.columns[name]], sa.Text()).in_(orders)
                    for name in ("merchant_ref", "parent_ref")
                )
            )
        )
    if connection.dialect.name == "sqlite" and "amount" in mapped.columns:
        _refuse_stored_floats(connection, table, mapped, conditions)
    texts = [_text_of(table.c[mapped.columns[name]], name, connection) for name in mapped.columns]
    batches = list(text_batches(connection, sa.select(*texts).where(*conditions)))
    rows = (
        pl.concat(batches)
        if batches
        else pl.DataFrame(schema=dict.fromkeys(mapped.columns, pl.String()))
    )
    constants = {**wanted, **mapped.constants}
    return rows.with_columns(
        pl.lit(value).alias(name) for name, value in constants.items() if name not in mapped.columns
    )


def _conditions(
    connection: sa.Connection,
    table: sa.TableClause,
    mapped: MappedLedger,
    wanted: Mapping[str, str],
    period: Period,
) -> list[sa.ColumnElement[bool]]:
    """Which rows are the account's, and may be of the period."""
    whose = [
        sa.cast(table.c[mapped.columns[name]], sa.Text()) == value
        for name, value in wanted.items()
        if name in mapped.columns
    ]
    return [*whose, _in_period(table.c[mapped.columns["business_date"]], period, connection)]


def _in_period(
    column: sa.ColumnElement[Any], period: Period, connection: sa.Connection
) -> sa.ColumnElement[bool]:
    # SQLite keeps dates as text whatever the column is declared as.
    if isinstance(column.type, sa.Date | sa.DateTime) and connection.dialect.name != "sqlite":
        if getattr(column.type, "timezone", False):
            raise UserError(
                f"column {column.name!r} is a moment in time, not a business date; "
                "give the date in a view"
            )
        return sa.or_(
            column.is_(None),
            sa.and_(column >= period.first, column < period.last + timedelta(days=1)),
        )
    text = sa.cast(column, sa.Text())
    first, last = period.first.isoformat(), (period.last + timedelta(days=1)).isoformat()
    return sa.or_(
        column.is_(None), sa.and_(text >= first, text < last), text.not_like("____-__-__%")
    )


def _refuse_stored_floats(
    connection: sa.Connection,
    table: sa.TableClause,
    mapped: MappedLedger,
    conditions: list[sa.ColumnElement[bool]],
) -> None:
    # A SQLite column declared DECIMAL keeps fractions as binary floating point all the same.
    is_real = sa.func.typeof(table.c[mapped.columns["amount"]]) == "real"
    found = sa.select(sa.literal(1)).where(is_real, *conditions).limit(1)
    if connection.execute(found).first() is not None:
        raise _float_error(mapped)


def _text_of(
    column: sa.ColumnElement[Any], name: str, connection: sa.Connection
) -> sa.ColumnElement[str]:
    text = sa.cast(column, sa.Text())
    if not isinstance(column.type, sa.DateTime):
        return text.label(name)
    if name == "business_date":
        return sa.func.substr(text, 1, 10).label(name)
    if connection.dialect.name != "postgresql":
        return text.label(name)
    utc = sa.func.timezone("UTC", column) if column.type.timezone else column
    return sa.func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US').label(name)
