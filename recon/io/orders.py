"""What the ledger knows of the orders a day gives money back of: payments and earlier refunds."""

import json
from datetime import date
from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database
from recon.io.entry_sources import Ledger
from recon.io.frames import read_rows
from recon.io.mapped_ledger import MappedLedger, read_mapped_orders
from recon.io.schema import LEDGER_ENTRIES
from recon.matching.origins import RETURNING
from recon.tables import LEDGER_ENTRY, empty

_AT_ONCE: Final = 400  # references asked for in one query, which any database takes


def refunded_orders(entries: pl.DataFrame) -> list[str]:
    """The orders (parent_ref) that entries of the day give money back of, sorted."""
    returning = entries.filter(pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_not_null())
    return returning["parent_ref"].unique().sort().to_list()


def read_orders(
    source: Ledger,
    provider: str,
    account: str,
    entries: pl.DataFrame,
    business_date: date,
) -> pl.DataFrame:
    """LEDGER_ENTRY: of each order that `entries`, all those of the date, give money back of, its
    payments and what was given back of them until then, sorted by entry_id."""
    orders = refunded_orders(entries)
    if not orders:
        return empty(LEDGER_ENTRY)
    if isinstance(source, MappedLedger):
        earlier = pl.concat(
            read_mapped_orders(
                source, provider, account, orders[start : start + _AT_ONCE], business_date
            )
            for start in range(0, len(orders), _AT_ONCE)
        )
    else:
        earlier = _read(source, provider, account, orders, business_date)
    is_payment = (pl.col("kind") == "payment") & pl.col("merchant_ref").is_in(orders)
    is_return = pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_in(orders)
    found = pl.concat([entries, earlier]).filter(is_payment | is_return)
    return found.unique().sort("entry_id")


def _read(
    database: Database, provider: str, account: str, orders: list[str], before: date
) -> pl.DataFrame:
    entry = LEDGER_ENTRIES.c
    columns = [entry[name] for name in LEDGER_ENTRY]
    # Two selects, because no index serves an OR over two columns. Whose the entries are is asked of
    # the few that are found, because SQLite would rather read all entries of the account.
    with database.connect() as connection:
        among = _values(orders, connection.dialect.name)
        found = pl.concat(
            read_rows(
                connection,
                sa.select(*columns).where(column.in_(among), entry.business_date < before),
                LEDGER_ENTRY,
            )
            for column in (entry.merchant_ref, entry.parent_ref)
        )
    return found.filter((pl.col("provider") == provider) & (pl.col("account") == account))


def _values(texts: list[str], dialect: str) -> sa.Select[tuple[str]]:
    """The texts as rows, from one parameter: each as its own is slow, and databases limit them."""
    listed = sa.literal(json.dumps(texts), sa.Text())
    if dialect == "postgresql":
        each = sa.func.json_array_elements_text(sa.cast(listed, sa.JSON())).table_valued("value")
    else:
        each = sa.func.json_each(listed).table_valued("value")
    return sa.select(each.c.value)
