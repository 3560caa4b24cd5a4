"""Where frames pass from one stage to the next: each is held to the contract of its table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from recon import book_tables, tables
from recon.errors import ensure
from recon.tables import Schema

# What is never null.
_REQUIRED: Final = {
    "STATEMENT_LINE": "line_id provider account file_id line_no business_date occurred_at kind "
    "currency gross net",
    "LEDGER_ENTRY": "entry_id provider account business_date kind currency amount",
    "EXCHANGE_RATE": "rated_on currency per_euro",
    "OPEN_ITEM": "side item_id kind business_date due_on currency amount state",
    "DISCREPANCY": "discrepancy_id type provider account business_date difference explanation "
    "first_seen_on age_days severity",
}


_TABLES: Final[Mapping[str, Schema]] = {
    name: table
    for module in (tables, book_tables)
    for name, table in vars(module).items()
    if name.isupper() and isinstance(table, dict)
}


def check(name: str, frame: pl.DataFrame | pl.LazyFrame) -> None:
    """Check a frame against the canonical table `name` at a stage boundary.

    A lazy frame has its columns and types checked, without reading a row; a frame in memory its
    nulls as well. Errors: BrokenInvariantError, because the frame was made by our own code.
    """
    schema = _TABLES[name]
    required = _REQUIRED.get(name, "").split()
    # Pandera takes ten milliseconds to say yes, so it is asked only where a look is not enough.
    is_plain = list(frame.collect_schema().items()) == list(schema.items())
    if is_plain and isinstance(frame, pl.DataFrame):
        is_plain = not any(frame[column].null_count() for column in required)
    if not is_plain:
        _validate(frame, schema, required, name)


def _validate(frame: Any, schema: Schema, required: Sequence[str], name: str) -> None:
    """Pandera says what is wrong with a frame, every failure at once."""
    import pandera.polars as pa

    columns = {
        column: pa.Column(dtype, nullable=column not in required, required=True)
        for column, dtype in schema.items()
    }
    try:
        pa.DataFrameSchema(columns, strict=True, ordered=True, name=name).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        ensure(condition=False, message=f"a {name} frame broke its contract: {error}")
