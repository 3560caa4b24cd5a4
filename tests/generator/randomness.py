"""Numbers that look random and depend on a seed alone: on no library version, row order or machine.

A stream is splitmix64 over a row's own number, so any row of any day can be made again without the
rows before it; that is how a refund finds the payment of the day before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

_GOLDEN = 0x9E3779B97F4A7C15
_STEPS = ((1 << 30, 0xBF58476D1CE4E5B9), (1 << 27, 0x94D049BB133111EB))
_LAST_SHIFT = 1 << 31
_LETTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXY"  # 32, without those that are misread
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)


@dataclass(frozen=True)
class Stream:
    """Independent random columns, each under a name; `of` is the column with the row's number."""

    key: str

    def bits(self, name: str, of: str = "number") -> pl.Expr:
        """64 random bits a row, as UInt64. Multiplication wraps, which is what the mixing needs."""
        mixed = pl.col(of).cast(pl.UInt64) * _u64(_GOLDEN) + _u64(self._start(name))
        for shift, factor in _STEPS:
            mixed = (mixed ^ (mixed // _u64(shift))) * _u64(factor)
        return mixed ^ (mixed // _u64(_LAST_SHIFT))

    def _start(self, name: str) -> int:
        return int.from_bytes(sha256(f"{self.key}:{name}".encode()).digest()[:8], "big")

    def below(self, name: str, bound: int, of: str = "number") -> pl.Expr:
        """0 to bound - 1, as Int64."""
        return (self.bits(name, of) % _u64(bound)).cast(pl.Int64)

    def between(self, name: str, low: int, high: int, of: str = "number") -> pl.Expr:
        """`low` to `high`, both included."""
        return self.below(name, high - low + 1, of) + low

    def serial(self, name: str, number: pl.Expr, *, factor: int, modulus: int) -> pl.Expr:
        """Numbers spread over the modulus, none twice; `factor` shares no divisor with it."""
        return (number * factor + self._start(name) % modulus) % modulus

    def choose(self, name: str, weights: Mapping[str, int], of: str = "number") -> pl.Expr:
        """One of the keys, as often as its weight says."""
        values = [value for value, weight in weights.items() for _ in range(weight)]
        return pick(values, self.below(name, len(values), of))


def pick(values: Sequence[str], place: pl.Expr) -> pl.Expr:
    """The value at a place; the texts are stored once however many rows there are."""
    return pl.lit(pl.Series(values, dtype=pl.String)).gather(place)


def digits(number: pl.Expr, count: int) -> pl.Expr:
    return number.cast(pl.String).str.zfill(count)


def letters(bits: pl.Expr, count: int) -> pl.Expr:
    """Write a number with letters and digits, five bits a character, lowest first."""
    whole, rest = divmod(count, 2)
    size = len(_PAIRS)
    parts = [pick(_PAIRS, (bits // size**place % size).cast(pl.Int64)) for place in range(whole)]
    if rest:
        last = (bits // size**whole % len(_LETTERS)).cast(pl.Int64)
        parts.append(pick(list(_LETTERS), last))
    return pl.concat_str(parts)
