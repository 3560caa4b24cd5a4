"""What the ledger knows of the orders a day gives money back of: payments and earlier refunds."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database, read_frame
from recon.io.mapped_ledger import MappedLedger, read_mapped_orders
from recon.io.schema import LEDGER_ENTRIES
from recon.matching.origins import RETURNING
from recon.tables import LEDGER_ENTRY, empty

# References asked for in one query: what our own databases take, and what any other does.
_AT_ONCE: Final = 10_000
_AT_ONCE_ANYWHERE: Final = 400


def refunded_orders(entries: pl.DataFrame) -> list[str]:
    """The orders (parent_ref) that entries of the day give money back of, sorted."""
    returning = entries.filter(pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_not_null())
    return returning["parent_ref"].unique().sort().to_list()


def read_orders(
    source: Database | MappedLedger, provider: str, account: str, orders: list[str], until: date
) -> pl.DataFrame:
    """LEDGER_ENTRY: of each order its payments, and what was given back of them until a business
    date, sorted by entry_id."""
    parts = [empty(LEDGER_ENTRY)]
    if isinstance(source, MappedLedger):
        for some in _chunks(orders, _AT_ONCE_ANYWHERE):
            parts.append(read_mapped_orders(source, provider, account, some, until))
    else:
        for some in _chunks(orders, _AT_ONCE):
            parts.append(_read(source, provider, account, some, until))
    found = pl.concat(parts)
    is_payment = (pl.col("kind") == "payment") & pl.col("merchant_ref").is_in(orders)
    is_return = pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_in(orders)
    return found.filter(is_payment | is_return).unique().sort("entry_id")


def _chunks(orders: list[str], size: int) -> Iterable[list[str]]:
    return (orders[start : start + size] for start in range(0, len(orders), size))


def _read(
    database: Database, provider: str, account: str, orders: list[str], until: date
) -> pl.DataFrame:
    entry = LEDGER_ENTRIES.c
    columns = [entry[name] for name in LEDGER_ENTRY]
    # Two selects, because no index serves an OR over two columns. Whose the entries are is asked of
    # the few that are found, because SQLite would rather read all entries of the account.
    found = pl.concat(
        read_frame(database, sa.select(*columns).where(column.in_(orders)), LEDGER_ENTRY)
        for column in (entry.merchant_ref, entry.parent_ref)
    )
    whose = (pl.col("provider") == provider) & (pl.col("account") == account)
    return found.filter(whose & (pl.col("business_date") <= until))
