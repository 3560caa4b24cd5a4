"""Opening and closing balance of a statement that tells the balance after every movement."""

import polars as pl

from recon.tables import BALANCE, columns_of, empty


def chain(rows: pl.LazyFrame, currency: str) -> pl.LazyFrame:
    """BALANCE from judged rows of `moment`, `line_no`, `signed` and the `balance` after it, in any
    order; those that are not understood, or tell no balance, are no part of it.

    Every row tells the balance after it, and so the one before it. In an unbroken chain each is
    somebody else's as well, but for the first one before and the last one after. A chain that ends
    where it began has neither; it opens as its first second does. A broken one has more, and is
    read in the order of time.
    """
    links = pl.struct(
        "moment", "line_no", after="balance", before=pl.col("balance") - pl.col("signed")
    )
    # An expression, because a filter on the frame would have the file read once more.
    ends = links.filter(pl.col("understood") & pl.col("balance").is_not_null()).map_batches(
        lambda found: _chain(found.struct.unnest(), currency).to_struct(),
        return_dtype=pl.Struct(dict(BALANCE)),
    )
    return rows.select(ends=ends).unnest("ends")


def _chain(chained: pl.DataFrame, currency: str) -> pl.DataFrame:
    if chained.height == 0:
        return empty(BALANCE)
    in_file = chained if chained["line_no"].is_sorted() else chained.sort("line_no")
    # Files are in either order, and seconds have several rows.
    for turned in (False, True):
        rows = _in_time(in_file.reverse() if turned else in_file)
        if not (rows["before"].slice(1) != rows["after"].slice(0, rows.height - 1)).any():
            ends = [(currency, rows["before"][0], rows["after"][-1])]
            return pl.DataFrame(ends, schema=dict(BALANCE), orient="row")
    return _by_value(chained.lazy(), currency).collect()


def _in_time(rows: pl.DataFrame) -> pl.DataFrame:
    return rows if rows["moment"].is_sorted() else rows.sort("moment", maintain_order=True)


def _by_value(chained: pl.LazyFrame, currency: str) -> pl.LazyFrame:
    """BALANCE of rows whose order nothing tells."""
    in_time = chained.sort("moment", "line_no").select(
        first=pl.col("before").first(), last=pl.col("after").last()
    )
    first_second = chained.filter(pl.col("moment") == pl.col("moment").min())
    start = _ends(first_second).select(start="opening")
    is_chain, is_ring = pl.col("end_count") == 2, pl.col("end_count") == 0
    first = pl.when(is_ring).then(pl.coalesce("start", "first")).otherwise("first")
    return (
        pl.concat([_ends(chained), in_time, start], how="horizontal")
        .select(
            currency=pl.lit(currency),
            opening=pl.when(is_chain).then("opening").otherwise(first),
            closing=pl.when(is_chain).then("closing").when(is_ring).then(first).otherwise("last"),
        )
        .filter(pl.col("opening").is_not_null())
        .select(columns_of(BALANCE))
    )


def _ends(chained: pl.LazyFrame) -> pl.LazyFrame:
    """The balance nobody leaves behind, the one nobody starts from, and how many such there are."""
    values = [
        chained.select(value=name, surplus=pl.lit(surplus))
        for name, surplus in (("before", 1), ("after", -1))
    ]
    surplus = pl.col("surplus")
    return (
        pl.concat(values)
        .group_by("value")
        .agg(surplus.sum())
        .select(
            opening=pl.col("value").filter(surplus == 1).first(),
            closing=pl.col("value").filter(surplus == -1).first(),
            end_count=surplus.abs().sum(),
        )
    )
