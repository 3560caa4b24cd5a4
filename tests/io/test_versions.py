"""A correction that its source withdraws: the earlier version counts again, and says so."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recon.cli import invoke
from tests.generator import book
from tests.generator.book import Movement
from tests.generator.sources import acquirer
from tests.support import copy_place

DAY = date(2026, 11, 18)


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def told(capsys: pytest.CaptureFixture[str], place: Path, *words: str) -> Any:
    capsys.readouterr()
    run(place, *words, "--json")
    return json.loads(capsys.readouterr().out)


def deliver(place: Path, name: str, amount: str) -> None:
    fee = book.cents(Decimal(amount) / 100)
    made = Movement(DAY, 40_000, "payment", "EUR", Decimal(amount), fee, "K00000000001", "BLN1")
    path = place / "sample_statements" / "acquirer" / f"{name}.csv"
    path.write_bytes(acquirer.file([made], DAY)[0])


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Two versions of one statement: 100.00 were corrected to 120.00."""
    copy_place(tmp_path, "acquirer", "bank")
    for path in (tmp_path / "sample_statements" / "acquirer").iterdir():
        path.unlink()
    deliver(tmp_path, "first", "100.00")
    first = told(capsys, tmp_path, "run", "--date", str(DAY), "--provider", "acquirer")
    (tmp_path / "first run").write_text(first["days"][0]["run_id"], "utf-8")
    deliver(tmp_path, "second", "120.00")
    assert run(tmp_path, "run", "--date", str(DAY), "--provider", "acquirer") == 0
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], place: Path) -> dict[str, Any]:
    rows = told(capsys, place, "files", "list", "--date", str(DAY), "--provider", "acquirer")
    return {row["name"]: row for row in rows}


def test_a_withdrawn_correction_gives_the_first_result_again_and_is_in_the_audit_trail(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = listed(capsys, place)
    used = {name: row["is_used"] for name, row in files.items()}
    assert used == {"first.csv": False, "second.csv": True}
    first = files["first.csv"]["file_id"]
    assert run(place, "files", "use", first[:12], "--reason", "withdrawn", "--as", "ben") == 0
    assert "recon run --date 2026-11-18 --provider acquirer" in capsys.readouterr().out
    # Fetching finds both files where they were, and changes nothing.
    again = told(capsys, place, "run", "--date", str(DAY), "--provider", "acquirer")
    assert again["days"][0]["run_id"] == (place / "first run").read_text("utf-8")
    used = {name: row["is_used"] for name, row in listed(capsys, place).items()}
    assert used == {"first.csv": True, "second.csv": False}
    trail = json.dumps(told(capsys, place, "audit", "show"))
    assert "use earlier version" in trail
    assert "withdrawn" in trail
    assert run(place, "audit", "verify") == 0


def test_what_cannot_be_used_again_is_refused_in_one_line(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = listed(capsys, place)
    for which, reason, said in (
        (files["second.csv"]["file_id"], "withdrawn", "second.csv (version 2) is used already"),
        (files["first.csv"]["file_id"], " ", "say why the earlier version counts again"),
        ("0123456789", "withdrawn", "no file is known by 0123456789"),
        ("abc", "withdrawn", "too short"),
    ):
        assert run(place, "files", "use", which, "--reason", reason) == 2
        assert said in capsys.readouterr().err
