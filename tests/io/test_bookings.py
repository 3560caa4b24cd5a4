"""Movements that the balance moves for on another day: WeChat Pay's fund-flow bill at midnight."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recon.cli import invoke
from tests.support import copy_place

DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")
ACCOUNT = "1600000001"
Row = list[str]
NUMBER, WAY, AMOUNT, BALANCE = 1, 5, 6, 7  # cells of a fund-flow bill


@dataclass
class Place:
    """The samples of one account, to be changed, and what runs make of them."""

    folder: Path

    def run(self, *words: str) -> int:
        where = ["--config", f"{self.folder}/configs", "--workspace", f"{self.folder}/workspace"]
        return invoke([*words, *where])

    def path(self, day: str) -> Path:
        return self.folder / "sample_statements" / "wechatpay" / f"{ACCOUNT}_fund_flow_{day}.csv"

    def change(self, day: str, changed: Callable[[list[Row]], list[Row]]) -> None:
        """Rewrite the bill of a day, with balances and totals that follow from its rows."""
        lines = self.path(day).read_bytes().decode().split("\r\n")
        cells = [line.removeprefix("`").split(",`") for line in lines[1:-3]]
        balance = Decimal(cells[0][BALANCE]) - _signed(cells[0])
        rows = changed(cells)
        balance += Decimal(rows[0][BALANCE]) if rows[0][0] == "opening" else 0
        rows = [row for row in rows if row[0] != "opening"]
        for row in rows:
            balance += _signed(row)
            row[BALANCE] = f"{balance:.2f}"
        ways = {way: [Decimal(row[AMOUNT]) for row in rows if row[WAY] == way] for way in _WAYS}
        totals = [len(rows)]
        for way in _WAYS:
            totals += [len(ways[way]), sum(ways[way])]
        body = [",".join(f"`{cell}" for cell in row) for row in rows]
        last = ",".join(f"`{total}" for total in totals)
        text = "\r\n".join([lines[0], *body, lines[-3], last, ""])
        self.path(day).write_bytes(text.encode())

    def summary(self, day: str) -> dict[str, Any]:
        reports = self.folder / "workspace" / "reports" / day / "wechatpay" / ACCOUNT
        found: dict[str, Any] = json.loads((reports / "summary.json").read_text("utf-8"))
        return found

    def waiting(self, day: str) -> list[tuple[int, str]]:
        """How many movements are to be booked, and their sum."""
        left = self.summary(day)["open_items"]
        return [(one["row_count"], one["amount"]) for one in left if one["side"] == "booking"]

    def told(self, day: str) -> list[str]:
        path = self.folder / "workspace" / "reports" / day / "wechatpay" / ACCOUNT
        found = pl.read_csv(path / "discrepancies.csv", infer_schema=False)
        return found.filter(pl.col("type") == "balance_mismatch")["explanation"].to_list()


_WAYS = ("收入", "支出")


def _signed(row: Row) -> Decimal:
    return Decimal(row[AMOUNT]) * (1 if row[WAY] == "收入" else -1)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ledgers = copy_place(tmp_path, "wechatpay")
    made = Place(tmp_path)
    assert made.run("ledger", "import", *map(str, ledgers)) == 0
    return made


def last_payment(rows: list[Row]) -> str:
    return [row for row in rows if row[4] == "交易"][-1][NUMBER]


def move_to_the_next_day(place: Place) -> Decimal:
    """Book the last payment of the first day, and its fee, a minute after midnight."""
    moved: list[Row] = []

    def without(rows: list[Row]) -> list[Row]:
        number = last_payment(rows)
        moved.extend(row for row in rows if row[NUMBER] == number)
        return [row for row in rows if row[NUMBER] != number]

    place.change(DAYS[0], without)
    amount = sum((_signed(row) for row in moved), Decimal(0))
    late = [[f"{DAYS[1]} 00:01:00", *row[1:]] for row in moved]
    opening = ["opening", *[""] * 6, f"{-amount}"]
    place.change(DAYS[1], lambda rows: [opening, *late, *rows])
    return amount


def test_a_payment_booked_after_midnight_waits_and_both_days_are_proved(place: Place) -> None:
    amount = move_to_the_next_day(place)
    place.run("run", "--from", DAYS[0], "--to", DAYS[1])
    for day, unbooked, waiting in (
        (DAYS[0], amount, [(1, f"{amount.normalize():f}")]),
        (DAYS[1], -amount, []),
    ):
        found = place.summary(day)
        (batch,) = found["batches"]
        assert found["proved"], found["not_proved_because"]
        assert Decimal(batch["proof"]) == 0
        assert Decimal(batch["unbooked"]) == unbooked
        assert place.waiting(day) == waiting
        assert place.told(day) == []


def test_what_is_never_booked_is_told_once_its_time_is_over(place: Place) -> None:
    settings = place.folder / "configs" / "providers" / "wechatpay.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace("line_window", "booking_window_days = 0\nline_window"), "utf-8"
    )
    move_to_the_next_day(place)
    place.change(DAYS[1], lambda rows: rows[2:])  # without the payment and its fee
    place.run("run", "--from", DAYS[0], "--to", DAYS[1])
    assert place.told(DAYS[0]) == []
    (told,) = place.told(DAYS[1])
    assert "100.89 CNY apart since 2026-11-18" in told


def test_without_its_fund_flow_a_day_keeps_what_waits(place: Place) -> None:
    move_to_the_next_day(place)
    place.path(DAYS[1]).unlink()
    place.run("run", "--from", DAYS[0], "--to", DAYS[1])
    assert not place.summary(DAYS[1])["proved"]
    assert place.waiting(DAYS[1]) == place.waiting(DAYS[0])
