"""Credits that name no payout and came a little short of one: parts of it, the rest is awaited."""

from collections.abc import Sequence

import polars as pl

from recon.matching import near
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.matching.sides import Side


def short(
    matched: Matched, credits: pl.DataFrame, payouts: pl.DataFrame, rules: Sequence[MatchRule]
) -> pl.DataFrame:
    """Pairs (line_row, entry_row) of a credit and the only payout that it came short of, of what
    was `matched` with nothing. Both frames are ITEM; the rules are those that tell a difference."""
    named = credits["parent_ref"].is_not_null().arg_true()
    ours = Side(credits, _alone(matched, "line")).without(named)
    theirs = Side(payouts, _alone(matched, "entry"))
    pairs = [near.pairs(ours, theirs, rule) for rule in rules if rule.tells_difference]
    found = pl.concat(
        [pl.DataFrame(schema={"line_row": pl.UInt32, "entry_row": pl.UInt32}), *pairs]
    )
    return found.unique("line_row", keep="first").unique("entry_row", keep="first")


def _alone(matched: Matched, side: str) -> pl.Series:
    left = {"line": matched.lines_left, "entry": matched.entries_left}[side]
    grouped = matched.groups.filter(side=side)
    return left.join(grouped, on="row", how="anti")["row"].sort()


def with_short(credits: pl.DataFrame, payouts: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Credits that go by the number of the payout they came short of: as `key`, and as their own
    `merchant_ref`, which tells them from those that name it; see `is_short`."""
    number = pl.DataFrame({"row": pairs["line_row"], "number": payouts["key"][pairs["entry_row"]]})
    return (
        credits.with_row_index("row")
        .join(number, on="row", how="left", validate="1:1", maintain_order="left")
        .with_columns(
            key=pl.coalesce("key", "number"), merchant_ref=pl.coalesce("number", "merchant_ref")
        )
        .drop("row", "number")
    )


def is_short() -> pl.Expr:
    """Whether a credit is taken for its payout by its amount, also on the days after."""
    return (pl.col("merchant_ref") == pl.col("key")).fill_null(value=False)
