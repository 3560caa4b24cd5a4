"""Which days are stale: an earlier one was run again and leaves something else, or statements or
entries of the day itself have come since it was run.
"""

import csv
import json
import sqlite3
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recon.cli import invoke
from tests.generator import book
from tests.generator.book import Movement
from tests.generator.sources import acquirer
from tests.generator.writing import ledger_csv
from tests.support import copy_place

ACCOUNT = "4711-0815"
DAYS = [date(2026, 11, day) for day in (18, 19)]
TIERS = (
    'percent = "0.95"',
    'tiers = [{ up_to = "150", percent = "0.95" }, { percent = "0.5" }]\ntier_by = "month_amount"',
)
RESERVE = (
    'statements = ["umsaetze"]',
    'statements = ["umsaetze"]\nreserve_percent = "5"\nreserve_days = 1',
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    copy_place(tmp_path, "acquirer")
    settings = tmp_path / "configs" / "providers" / "acquirer.toml"
    kept = [
        line
        for line in settings.read_text("utf-8").splitlines()
        if not line.startswith(("cycle", "payout", "pays_into"))  # nothing is due
    ]
    settings.write_text("\n".join(kept), "utf-8")
    for path in (tmp_path / "sample_statements" / "acquirer").iterdir():
        path.unlink()
    return tmp_path


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def told(capsys: pytest.CaptureFixture[str], place: Path, *words: str) -> dict[str, Any]:
    """What `recon run --json` tells, by day: the later days that are stale after it."""
    capsys.readouterr()
    run(place, "run", *words, "--json")
    days = json.loads(capsys.readouterr().out)["days"]
    return {day["business_date"][-2:]: [one[-2:] for one in day["stale_dates"]] for day in days}


def deliver(place: Path, first: str) -> None:
    """A payment a day, on both sides alike; the first one is of `first`."""
    amounts = [Decimal(first), Decimal("50.00")]
    moves = [
        Movement(day, 40_000, "payment", "EUR", amount, book.cents(amount / 100), f"K{number:011}",
                 f"BLN{number}", method="visa")
        for number, (day, amount) in enumerate(zip(DAYS, amounts, strict=True))
    ]  # fmt: skip
    folder = place / "sample_statements" / "acquirer"
    for day in DAYS:
        (folder / f"{first}_{ACCOUNT}_{day:%Y%m%d}.csv").write_bytes(acquirer.file(moves, day)[0])
    entries = place / "entries.csv"
    entries.write_bytes(
        ledger_csv(book.ledger("acquirer", ACCOUNT, "SHOP", "Europe/Berlin", moves))
    )
    assert run(place, "ledger", "import", str(entries)) == 0


def edit(place: Path, name: str, change: tuple[str, str]) -> None:
    path = place / "configs" / name
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), "utf-8")


def nothing(place: Path) -> None:
    """Neither is agreed: what the first day held and turned over is nobody's business."""


def tiers(place: Path) -> None:
    edit(place, "fees/acquirer.toml", TIERS)


def reserve(place: Path) -> None:
    edit(place, "providers/acquirer.toml", RESERVE)


@pytest.mark.parametrize(("agreed", "stale"), [(nothing, []), (tiers, ["19"]), (reserve, ["19"])])
def test_a_corrected_day_makes_later_ones_stale_where_they_go_by_what_it_turned_over(
    place: Path, capsys: pytest.CaptureFixture[str], agreed: Callable[[Path], None],
    stale: list[str],
) -> None:  # fmt: skip
    agreed(place)
    deliver(place, "100.00")
    assert told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")["19"] == []
    deliver(place, "200.00")
    assert told(capsys, place, "--date", "2026-11-18") == {"18": stale}
    again = told(capsys, place, "--date", "2026-11-18", "--cascade")
    assert sorted(again) == ["18", *stale]
    assert again[max(again)] == []


def test_another_fee_schedule_makes_no_day_stale_that_was_run_under_the_old_one(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")
    tiers(place)
    reserve(place)
    assert told(capsys, place, "--date", "2026-11-18") == {"18": []}


def imported(place: Path, *rows: str) -> int:
    head = "entry_id,provider,account,business_date,kind,currency,amount,merchant_ref"
    path = place / "late.csv"
    path.write_text("\n".join([head, *rows]), "utf-8")
    return run(place, "ledger", "import", str(path))


def test_a_day_is_stale_once_entries_of_it_are_imported_late(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    both = ("--from", "2026-11-18", "--to", "2026-11-19")
    assert told(capsys, place, *both) == {"18": [], "19": []}
    row = f"LATE-1,acquirer,{ACCOUNT},2026-11-18,payment,EUR,7.00,BLN77"
    assert imported(place, row) == 0
    assert (
        f"acquirer {ACCOUNT}: 2026-11-18 to 2026-11-19 are stale: since 2026-11-18 was run, the "
        "ledger's entries changed; run again with --cascade"
    ) in capsys.readouterr().err
    run(place, "status", "--json")
    status = json.loads(capsys.readouterr().out)[0]
    assert (status["stale_since"], status["stale"]) == ("2026-11-18", True)
    signing = ("sign-off", "--date", "2026-11-18", "--provider", "acquirer", "--as", "anna")
    assert run(place, *signing) == 3
    assert "the ledger's entries changed; run it again" in capsys.readouterr().err
    assert told(capsys, place, "--date", "2026-11-18", "--cascade")["19"] == []
    assert imported(place, row) == 0  # again: nothing is new
    assert "stale" not in capsys.readouterr().err


def test_a_day_is_stale_once_the_companys_own_table_has_more_rows_of_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(place, "100.00")
    with (place / "entries.csv").open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    company = sqlite3.connect(place / "company.db", isolation_level=None)
    company.execute(f"CREATE TABLE books ({', '.join(names)})")
    insert = f"INSERT INTO books VALUES ({', '.join('?' for _ in names)})"
    company.executemany(insert, [[cell or None for cell in row] for row in rows])
    monkeypatch.setenv("COMPANY", f"sqlite:///{place}/company.db")
    with (place / "configs" / "recon.toml").open("a", encoding="utf-8") as file:
        file.write('\n[ledger]\nurl_env = "COMPANY"\ntable = "books"\n[ledger.columns]\n')
        file.writelines(f'{name} = "{name}"\n' for name in names)
    first = next(row for row in rows if "2026-11-18" in row)

    both = ("--from", "2026-11-18", "--to", "2026-11-19")
    assert told(capsys, place, *both) == {"18": [], "19": []}
    company.execute(insert, ["LATE-1", *first[1:]])
    run(place, "status", "--json")
    assert json.loads(capsys.readouterr().out)[0]["stale_since"] == "2026-11-18"
    assert told(capsys, place, "--date", "2026-11-19") == {"19": ["18", "19"]}
    assert told(capsys, place, "--date", "2026-11-18", "--cascade") == {"18": []}
    assert run(place, "sign-off", "--date", "2026-11-18", "--provider", "acquirer") == 0
    company.execute(insert, ["LATE-2", *first[1:]])  # of a closed day: it waits
    assert told(capsys, place, "--date", "2026-11-19") == {"19": []}


def test_an_entry_that_moves_to_another_day_makes_both_stale_and_moved_back_none(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "LATE-1,acquirer,{},2026-11-{},payment,EUR,7.00,BLN77"
    deliver(place, "100.00")
    assert imported(place, row.format(ACCOUNT, 18)) == 0
    told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")
    for day, stale in ((19, True), (18, False)):
        assert imported(place, row.format(ACCOUNT, day)) == 0
        assert ("since 2026-11-18 was run" in capsys.readouterr().err) is stale


def test_a_day_is_stale_once_another_version_of_its_statement_is_here(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    assert told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")["19"] == []
    folder = place / "sample_statements" / "acquirer"
    corrected = sorted(folder.iterdir())[0]
    corrected.write_bytes(corrected.read_bytes().replace(b"BLN0", b"BLN9"))
    assert told(capsys, place, "--date", "2026-11-19") == {"19": ["18", "19"]}
    run(place, "report", "--date", "2026-11-18", "--json")
    assert [one["stale"] for one in json.loads(capsys.readouterr().out)] == [True]
    assert told(capsys, place, "--date", "2026-11-18", "--cascade") == {"18": []}


def test_what_comes_for_a_signed_day_waits_and_makes_nothing_stale(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")
    chosen = ("--date", "2026-11-18", "--provider", "acquirer")
    assert run(place, "sign-off", *chosen, "--as", "anna") == 0
    corrected = sorted((place / "sample_statements" / "acquirer").iterdir())[0]
    corrected.write_bytes(corrected.read_bytes().replace(b"BLN0", b"BLN9"))
    assert told(capsys, place, "--date", "2026-11-19") == {"19": []}
    reopening = ("--account", ACCOUNT, "--reason", "corrected", "--as", "anna")
    assert run(place, "reopen", "--date", "2026-11-18", *reopening) == 0
    assert told(capsys, place, "--date", "2026-11-19") == {"19": ["18", "19"]}


def test_status_names_earlier_days_that_are_not_proved(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    first, _ = sorted((place / "sample_statements" / "acquirer").iterdir())
    first.unlink()
    told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")
    assert run(place, "status") == 0
    assert f"acquirer {ACCOUNT}: not proved: 2026-11-18" in capsys.readouterr().out


def test_a_day_to_come_of_which_nothing_is_here_is_not_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    told(capsys, place, "--from", "2026-11-18", "--to", "2026-11-19")
    assert run(place, "run", "--date", "2126-11-19") == 2
    assert "the day has not begun in Europe/Berlin" in capsys.readouterr().err
    run(place, "status", "--json")
    assert json.loads(capsys.readouterr().out)[0]["last_run"] == "2026-11-19"


def test_status_names_days_that_were_passed_over(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(place, "100.00")
    for day in ("18", "20"):
        run(place, "run", "--date", f"2026-11-{day}")
    capsys.readouterr()
    run(place, "status")
    assert "not run, though entries or statements of them are here: 2026-11-19" in (
        capsys.readouterr().out
    )


def test_entries_of_a_year_to_come_are_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(place, f"SLIP-1,acquirer,{ACCOUNT},2926-11-18,payment,EUR,7.00,BLN77") == 0
    assert "entries are dated as far ahead as 2926-11-18" in capsys.readouterr().err
    assert imported(place, f"SLIP-1,acquirer,{ACCOUNT},2026-11-18,payment,EUR,7.00,BLN77") == 0
    assert "far ahead" not in capsys.readouterr().err
