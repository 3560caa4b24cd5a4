"""Every fee that can be checked by hand: fast, slow and the table say the same."""

from decimal import Decimal

import pytest

from recon.fees.problems import schedule_problems
from tests.fees.reading import Vector, vectors
from tests.fees.slow import Fees

VECTORS = vectors()


def shown(fees: Fees) -> tuple[Decimal | None, Decimal]:
    """The fee, and what comes on top of it."""
    own = [fee for component, _, fee in fees if component == "fee"]
    on_top = [fee or Decimal(0) for component, _, fee in fees if component != "fee"]
    return (own[0] if own else Decimal(0)), sum(on_top, Decimal(0))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector.title for vector in VECTORS])
def test_the_fee_is_what_the_table_says(vector: Vector) -> None:
    assert schedule_problems(vector.tariffs) == []
    for name, found in (("fast", vector.fast()), ("slow", vector.slow())):
        for row, wanted in zip(vector.lines, vector.expected, strict=True):
            fees = found[row["line_id"]]
            what = f"{name}: {row['kind']} of {row['gross']} = {wanted}"
            amounts, _, tariff = wanted.partition(" by ")
            if tariff:
                assert tariff in [named for _, named, _ in fees], what
            if amounts == "-":
                assert fees == [], what
                continue
            own, _, more = amounts.partition(" + ")
            fee, on_top = shown(fees)
            assert fee == (None if own == "?" else Decimal(own)), f"{what}, not {fee}"
            assert on_top == Decimal(more or "0"), f"{what}, on top {on_top}"


def test_there_are_at_least_two_hundred() -> None:
    assert sum(len(vector.lines) for vector in VECTORS) >= 200
