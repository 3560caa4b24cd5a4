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

_AT_ONCE: Final = 400  # references asked for in one query; SQLite takes less than a thousand


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
    for some in _chunks(orders):
        if isinstance(source, MappedLedger):
            parts.append(read_mapped_orders(source, provider, account, some, until))
        else:
            parts.append(_read(source, provider, account, some, until))
    found = pl.concat(parts)
    is_payment = (pl.col("kind") == "payment") & pl.col("merchant_ref").is_in(orders)
    is_return = pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_in(orders)
    return found.filter(is_payment | is_return).unique().sort("entry_id")


def _chunks(orders: list[str]) -> Iterable[list[str]]:
    return (orders[start : start + _AT_ONCE] for start in range(0, len(orders), _AT_ONCE))


def _read(
    database: Database, provider: str, account: str, orders: list[str], until: date
) -> pl.DataFrame:
    entry = LEDGER_ENTRIES.c
    columns = [entry[name] for name in LEDGER_ENTRY]
    whose = (entry.provider == provider, entry.account == account, entry.business_date <= until)
    # Two selects, because no index serves an OR over two columns.
    return pl.concat(
        read_frame(database, sa.select(*columns).where(*whose, column.in_(orders)), LEDGER_ENTRY)
        for column in (entry.merchant_ref, entry.parent_ref)
    )
