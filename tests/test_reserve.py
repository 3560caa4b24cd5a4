"""What a provider holds back is rolled forward, and held against what was agreed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.boundary import check
from recon.settlement.reserve import RESERVE_DAY, reserve, unexplained
from tests.support import TODAY, WHOSE, account_of, frame_of, line, lines

UNAGREED = account_of("wechatpay")
AGREED = replace(UNAGREED, reserve_percent=Decimal(10), reserve_days=3)


def rolled(*rows: dict[str, Any], earlier: tuple[tuple[int, str, str], ...] = (),
           account: Any = AGREED) -> pl.DataFrame:  # fmt: skip
    """RESERVE of lines, after days (so many days ago, held, closing)."""
    before = frame_of(
        RESERVE_DAY,
        (
            {
                "business_date": TODAY - timedelta(days=ago),
                "currency": "CNY",
                "held": held,
                "closing": closing,
            }
            for ago, held, closing in earlier
        ),
    )
    made = reserve(
        lines(*(line(f"L{n}", **row) for n, row in enumerate(rows))).lazy(), before, account, TODAY
    )
    check("RESERVE", made)
    return made


def figures(made: pl.DataFrame) -> list[list[str]]:
    """Without the currency, in the shortest text."""
    return [
        [str(None if amount is None else int(amount)) for amount in row[1:]] for row in made.rows()
    ]


def held(amount: str) -> dict[str, str]:
    return {"kind": "reserve_hold", "gross": f"-{amount}"}


def released(amount: str) -> dict[str, str]:
    return {"kind": "reserve_release", "gross": amount}


def test_a_reserve_rolls_from_opening_to_closing_also_on_days_without_movement() -> None:
    assert figures(rolled(held("20"), released("5"), earlier=((1, "0", "30"),))) == [
        ["30", "20", "5", "45", "0", "0"]
    ]
    assert figures(rolled(earlier=((1, "0", "30"),))) == [["30", "0", "0", "30", "0", "0"]]
    assert rolled({"gross": "100"}, account=UNAGREED).height == 0
    assert figures(rolled(held("7"), account=UNAGREED)) == [["0", "7", "0", "7", "None", "None"]]


@pytest.mark.parametrize(
    ("rows", "earlier", "found"),
    [
        (({"gross": "100"}, held("10")), (), []),
        (({"gross": "100.05"}, held("10.01")), (), []),  # half a cent up
        (({"gross": "100"}, held("12")), (), [("held", 2)]),
        (({"gross": "100"},), (), [("held", -10)]),
        ((released("6"),), ((3, "6", "6"), (1, "0", "6")), []),
        ((), ((3, "6", "6"), (1, "0", "6")), [("released", -6)]),
        ((released("6"),), ((2, "6", "6"),), [("released", 6)]),  # a day early
        ((released("6"),), ((4, "6", "6"), (2, "0", "6")), []),  # no run on the third day
        ((), ((4, "6", "6"), (1, "0", "0")), []),  # came back in time
        (({"kind": "refund", "gross": "-100"},), (), []),
    ],
)
def test_what_is_not_as_agreed_is_told_with_its_sign(
    rows: tuple[dict[str, Any], ...],
    earlier: tuple[tuple[int, str, str], ...],
    found: list[tuple[str, int]],
) -> None:
    made = unexplained(rolled(*rows, earlier=earlier), AGREED, WHOSE)
    told = [
        (row["discrepancy_id"].split(":")[1], row["difference"])
        for row in made.iter_rows(named=True)
    ]
    assert told == found
    assert set(made["type"]) <= {"reserve_unexplained"}
    assert (
        unexplained(rolled(*rows, earlier=earlier, account=UNAGREED), UNAGREED, WHOSE).height == 0
    )


def test_the_explanation_says_what_the_contract_says() -> None:
    made = unexplained(rolled({"gross": "100"}, held("12")), AGREED, WHOSE)
    assert made["explanation"][0] == (
        "The provider held back 12.00 CNY of the day's payments; by the contract, 10 percent for "
        "3 day(s), it is 10.00 CNY."
    )
