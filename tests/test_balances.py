"""The balances a statement opens and closes with, from the one it tells after every movement."""

from datetime import UTC, datetime

import polars as pl
import pytest

from recon.money import MONEY
from recon.providers.balances import chain
from recon.tables import BALANCE
from tests.support import frame_of

ROW = {
    "moment": pl.Datetime("us", "UTC"),
    "line_no": pl.Int64(),
    "signed": MONEY,
    "balance": MONEY,
    "understood": pl.Boolean(),
}


def ends(*movements: str) -> tuple[int, int] | None:
    """Opening and closing balance of `minute:movement=balance`, `?` where it is not understood."""
    rows = []
    for line_no, movement in enumerate(movements, 1):
        minute, moved = movement.removesuffix("?").split(":")
        signed, balance = moved.split("=")
        rows.append(
            {
                "moment": datetime(2026, 11, 20, 9, int(minute), tzinfo=UTC),
                "line_no": line_no,
                "signed": signed,
                "balance": balance or None,
                "understood": not movement.endswith("?"),
            }
        )
    found = chain(frame_of(ROW, rows).lazy(), "CNY").collect()
    assert found.schema == dict(BALANCE)
    return next(((int(opening), int(closing)) for _, opening, closing in found.iter_rows()), None)


@pytest.mark.parametrize(
    ("movements", "found"),
    [
        (["1:5=105", "2:-3=102", "3:8=110"], (100, 110)),
        (["3:8=110", "2:-3=102", "1:5=105"], (100, 110)),  # the newest first
        (["1:-3=102", "1:5=105"], (100, 102)),  # one second, in any order
        (["1:5=105", "2:-5=100"], (100, 100)),
        (["1:5=105", "3:8=113"], (100, 113)),
        (["1:5=105", "3:8=110"], (100, 110)),  # a gap: in the order of time
        ([], None),
    ],
)
def test_a_chain_has_two_ends(movements: list[str], found: tuple[int, int] | None) -> None:
    assert ends(*movements) == found


def test_rows_that_are_not_understood_or_tell_no_balance_are_no_part_of_it() -> None:
    assert ends("1:5=105?", "2:-3=102", "3:8=110") == (105, 110)
    assert ends("1:5=105", "2:-3=102", "3:8=999?") == (100, 102)
    assert ends("1:5=", "2:-3=102") == (105, 102)
    assert ends("1:5=105?") is None
