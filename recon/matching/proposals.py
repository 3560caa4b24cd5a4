"""References that look alike: proposed to a person in a sentence, never matched by it."""

from typing import Final

import polars as pl

_ENOUGH: Final = 80  # percent alike, from which a proposal is worth reading
_CROWD: Final = 50  # rows of equal amount, beyond which looking alike says little

_ALIKE: Final = {
    "row": pl.UInt32,
    "alike_id": pl.String,
    "alike_reference": pl.String,
    "alike_percent": pl.Int64,
}


def alike(late: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """For rows of one side (ITEM + row), the row of the other side of the same kind, currency and
    amount whose reference is most alike: row, alike_id, alike_reference, alike_percent.

    Nothing where two are equally alike, or the best is not alike enough.
    """
    keys = ["kind", "currency", "amount"]
    reference = pl.coalesce("merchant_ref", "txn_id").alias("reference")
    few = pl.len().over(keys) <= _CROWD
    pairs = (
        late.select(*keys, reference, "row")
        .filter(few)
        .join(others.select(*keys, reference, alike_id="item_id").filter(few), on=keys)
        .drop_nulls(["reference", "reference_right"])
        .sort("row", "alike_id")
    )
    if pairs.is_empty():
        return pl.DataFrame(schema=_ALIKE)
    from rapidfuzz import fuzz  # only for those who need it

    percent = [
        int(fuzz.ratio(one.lower(), other.lower()))
        for one, other in pairs.select("reference", "reference_right").iter_rows()
    ]
    best = (
        pairs.with_columns(pl.Series("alike_percent", percent, dtype=pl.Int64))
        .filter(pl.col("alike_percent") >= _ENOUGH)
        .filter((pl.col("alike_percent") == pl.col("alike_percent").max()).over("row"))
        .filter(pl.len().over("row") == 1)
        .rename({"reference_right": "alike_reference"})
    )
    return best.select(pl.col(name).cast(dtype) for name, dtype in _ALIKE.items())
