"""F39-F41: midnight, days of 23 and 25 hours, and a clock that is somewhere else."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from recon.io.deliveries import Schedule
from recon.periods import Period
from tests.faults.place import DAY, TRADES, Place

ROOT = Path(__file__).parents[2]


def test_f39_a_payment_at_the_stroke_of_midnight_is_counted_once_on_one_day(tmp_path: Path) -> None:
    place = Place(tmp_path)
    path = place.dropped / TRADES
    rows = path.read_bytes().split(b"\r\n")
    rows[1] = rows[1].replace(rows[1][1:20], b"2026-11-18 00:00:00")
    rows[2] = rows[2].replace(rows[2][1:20], b"2026-11-18 23:59:59")
    place.drop(TRADES, b"\r\n".join(rows))
    for day in Period(DAY, DAY + timedelta(days=1)):
        place.run_day(day=day)
    kept = sorted((place.workspace / "reports").glob("*/wechatpay/*/lines.parquet"))
    lines = pl.concat([pl.read_parquet(path) for path in kept])
    shown = lines.filter(pl.col("line_no") < 4, business_date=DAY, kind="payment").sort("line_no")
    assert shown["occurred_at"].to_list()[:2] == [
        datetime(2026, 11, 17, 16, tzinfo=UTC),
        datetime(2026, 11, 18, 15, 59, 59, tzinfo=UTC),
    ]
    ids = shown["line_id"].to_list()[:2]
    assert lines.filter(pl.col("line_id").is_in(ids)).height == 2


@pytest.mark.parametrize(
    ("zone", "changes_on"),
    [
        ("America/Los_Angeles", date(2026, 3, 8)),  # 23 hours
        ("America/Los_Angeles", date(2026, 11, 1)),  # 25 hours
        ("Europe/Amsterdam", date(2026, 3, 29)),
        ("Europe/Amsterdam", date(2026, 10, 25)),
    ],
)
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30", "23:59"])
def test_f40_a_day_of_23_or_25_hours_is_one_day_with_one_hour_of_delivery(
    zone: str, changes_on: date, at: str
) -> None:
    around = Period(changes_on - timedelta(days=2), changes_on + timedelta(days=2))
    assert list(around) == sorted(set(around))
    schedule = Schedule(zone, at)
    moments = [schedule.ready(day) for day in around]
    instants = [moment.astimezone(UTC) for moment in moments if moment]
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    assert sum(gap != timedelta(days=1) for gap in gaps) <= 2
    assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in gaps)


def test_f41_the_clock_and_zone_of_the_machine_do_not_show_in_a_result(tmp_path: Path) -> None:
    made = []
    for zone in ("Pacific/Kiritimati", "America/Adak"):
        place = Place(tmp_path / zone.replace("/", "-"))
        run = ["-m", "recon", "run", "--date", str(DAY), "--config", str(place.folder / "configs"),
               "--workspace", str(place.workspace)]  # fmt: skip
        subprocess.run(
            [sys.executable, *run], cwd=ROOT, check=True, env=os.environ | {"TZ": zone},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        made.append({path.name: path.read_bytes() for path in place.reports.iterdir()})
    assert made[0] == made[1]
