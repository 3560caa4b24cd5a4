"""The rows of one side that nothing has taken yet, and how a rule finds its way among them.

A pass works on hashes and places, and looks at the text of two rows only when they may belong
together: what the rows say is never copied.
"""

from dataclasses import dataclass, field, replace

import polars as pl

from recon.matching.items import ITEM, repeated
from recon.matching.rules import KEY_COLUMNS, REFERENCES, MatchRule

_HASH_SEED = 20261120  # of the first key column


@dataclass(frozen=True)
class Side:
    """One side: all of its rows, and the places of those that are left."""

    items: pl.DataFrame  # ITEM
    left: pl.Series  # UInt32, in their order
    hashes: dict[MatchRule, pl.Series] = field(default_factory=dict)  # of all rows; made once

    @staticmethod
    def of(items: pl.DataFrame) -> "Side":
        return Side(items, pl.int_range(items.height, dtype=pl.UInt32, eager=True))

    def without(self, taken: pl.Series) -> "Side":
        is_left = pl.repeat(value=True, n=self.items.height, eager=True).scatter(taken, False)
        return replace(self, left=self.left.filter(is_left.gather(self.left)))

    def with_again(self, rows: pl.Series) -> "Side":
        """The same with rows that were taken, and are left after all."""
        return replace(self, left=pl.concat([self.left, rows]).sort())

    def rows_left(self) -> pl.DataFrame:
        """ITEM + row."""
        return self.items.select(list(ITEM))[self.left].insert_column(0, self.left.alias("row"))

    def keyed(self, rule: MatchRule) -> pl.DataFrame:
        """`row` and `hash` of the rows a rule may use: of its kinds, none of its keys blank."""
        if rule not in self.hashes:
            self.hashes[rule] = self.items.select(hash=key_hash(rule)).to_series()
        hashes = self.hashes[rule].gather(self.left)
        return pl.DataFrame({"row": self.left, "hash": hashes}).drop_nulls("hash")

    def single(self, rule: MatchRule) -> pl.DataFrame:
        """Those of `keyed` whose keys no other row has."""
        keyed = self.keyed(rule)
        twice = repeated(keyed["hash"])
        if twice.is_empty():
            return keyed
        is_repeated = keyed["hash"].is_in(twice.implode())
        # Rows whose hash is equal though their keys differ are alone after all; hardly ever there.
        doubtful = keyed.filter(is_repeated)
        alone = self.keys(rule, doubtful["row"]).is_unique()
        return pl.concat([keyed.filter(~is_repeated), doubtful.filter(alone)])

    def keys(self, rule: MatchRule, rows: pl.Series) -> pl.DataFrame:
        """The keys of some rows, as the rule reads them."""
        picked = self.items.select(rule.equal_keys)[rows]
        return picked.select(rule.key(key) for key in rule.equal_keys)


def key_hash(rule: MatchRule) -> pl.Expr:
    """One hash of a row's keys; null for a row of other kinds, or with a blank key."""
    total = pl.lit(0, dtype=pl.UInt64)
    for key in rule.equal_keys:
        total = total ^ _hash(_read(rule, key), key)
    usable = pl.all_horizontal([_is_filled(rule, key) for key in rule.equal_keys])
    if rule.kinds is not None:
        usable &= pl.col("kind").is_in(sorted(rule.kinds))
    return pl.when(usable).then(total)


def _read(rule: MatchRule, key: str) -> pl.Expr:
    """The key as the rule reads it; blank ones are told by `_is_filled`, which costs less."""
    return rule.key(key) if any(name == key for name, _ in rule.forms) else pl.col(key)


def _hash(value: pl.Expr, key: str) -> pl.Expr:
    """Equal texts in different key columns must not hash alike, or they would cancel out."""
    return value.hash(_HASH_SEED + KEY_COLUMNS.index(key))


def _is_filled(rule: MatchRule, key: str) -> pl.Expr:
    """A blank reference says nothing, so two blanks are not equal."""
    column = _read(rule, key)
    if key in REFERENCES or key == "payment_method":
        return column.is_not_null() & (column.str.len_bytes() > 0)
    return column.is_not_null()
