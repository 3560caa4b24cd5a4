"""Card numbers in free text, shortened to first six and last four before they are kept."""

import re
from collections.abc import Collection, Sequence
from itertools import repeat
from typing import Final, TypeVar

import polars as pl

# Columns a person or a provider writes freely, and the columns of references, which stay whole.
FREE_TEXT: Final = (
    *("description", "memo", "payment_method"),
    *("explanation", "suggested_action", "value", "reason"),
)
REFERENCES: Final = ("txn_id", "merchant_ref", "parent_txn_id", "parent_ref", "batch_id")

# 13 to 19 digits in a row, or grouped as on a card: 4-4-4-4(-3), 4-6-5, 4-6-4.
_GROUPED: Final = r"[0-9]{4}([ -])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{6}\1[0-9]{4,5})"
_CARD: Final = re.compile(rf"(?<![0-9])(?:[0-9]{{13,19}}|{_GROUPED})(?![0-9])")
_CANDIDATE: Final = r"[0-9]{13}|[0-9]{4}[ -][0-9]{4}"  # what is worth a closer look; run by Polars

# Doubling a digit and adding the digits of the result, as the Luhn check does: 7 -> 14 -> 5.
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")

_SHORTEST: Final = 13
_FIRST: Final = 6
_LAST: Final = 4

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def masked(text: str, keep: Collection[str | None] = ()) -> str:
    """The text with its card numbers shortened: 411111******1111.

    A card number is 13 to 19 digits whose Luhn check digit is right, not part of a longer run of
    digits, and no part of a reference in `keep`: one order number in ten passes the check.
    """

    references = [reference for reference in keep if reference]

    def shorten(found: re.Match[str]) -> str:
        number = found.group()
        digits = number.replace(" ", "").replace("-", "")
        is_ours = any(digits in reference or number in reference for reference in references)
        if is_ours or not _passes_luhn(digits):
            return number
        return digits[:_FIRST] + "*" * (len(digits) - _FIRST - _LAST) + digits[-_LAST:]

    return _CARD.sub(shorten, text)


def mask_free_text(frame: Frame) -> Frame:
    """Mask every free-text column the frame has; a row's own references stay readable."""
    schema = frame.lazy().collect_schema()
    references = [name for name in REFERENCES if name in schema]
    columns = [_mask_column(name, references) for name in FREE_TEXT if name in schema]
    return frame.with_columns(columns)


def _mask_column(name: str, references: list[str]) -> pl.Expr:
    def mask_hits(columns: Sequence[pl.Series]) -> pl.Series:
        text, own = columns[0].cast(pl.String), columns[1:]
        long = (text.str.len_chars() >= _SHORTEST).arg_true()  # telling costs less than a search
        if long.is_empty():
            return text
        hits = long.filter(text.gather(long).str.contains(_CANDIDATE))
        if hits.is_empty():
            return text
        known = [column.gather(hits) for column in own]
        keep = zip(*known, strict=True) if known else repeat((), hits.len())
        replaced = [masked(*row) for row in zip(text.gather(hits), keep, strict=True)]
        return text.scatter(hits, replaced)

    return pl.map_batches(
        [name, *references], mask_hits, return_dtype=pl.String(), is_elementwise=True
    ).alias(name)


def _passes_luhn(digits: str) -> bool:
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0
