"""The accountant's path: a correction in mid-history, its cascade, a write-off, the roll."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.faults.place import Place

RANGE = ("--from", "2026-11-18", "--to", "2026-11-20")


def statement(place: Place, *days: str) -> dict[str, dict[str, Any]]:
    """The open-item statement by side; the command itself answers 3 where it does not add up."""
    told = place.recon("open-items", *days, "--json")
    assert told.code == 0
    return {row["side"]: row for row in told.json["statement"]}


def test_a_correction_cascades_and_a_write_off_rolls_forward(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.recon("run", *RANGE)
    first = statement(place, *RANGE)
    daily = [statement(place, "--date", f"2026-11-{day}") for day in (18, 19, 20)]
    for side, row in first.items():
        for name in ("new_amount", "cleared_amount"):
            each = [Decimal(day[side][name]) for day in daily if side in day]
            assert sum(each) == Decimal(row[name])
        assert row["closing_amount"] == daily[-1][side]["closing_amount"]

    # An entry of the 18th that matched is taken back to the 17th, which nobody runs.
    [ledger] = (tmp_path / "sample_statements" / "ledger").iterdir()
    with ledger.open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    moved = next(row for row in rows if "2026-11-18" in row)
    moved[header.index("business_date")] = "2026-11-17"
    correction = tmp_path / "correction.csv"
    correction.write_text(f"{','.join(header)}\n{','.join(moved)}\n", "utf-8")
    assert "1 changed" in place.recon("ledger", "import", correction).out

    told = place.recon("run", "--date", "2026-11-18")
    assert "2026-11-19 to 2026-11-20 are stale: since 2026-11-19 was run, " in told.out
    report = place.recon("report", "--date", "2026-11-19")
    assert (report.code, "STALE" in report.out) == (3, True)
    told = place.recon("run", "--date", "2026-11-18", "--cascade", "--json")
    assert [day["business_date"] for day in told.json["days"]] == [
        f"2026-11-{day}" for day in (18, 19, 20)
    ]
    assert told.json["days"][-1]["stale_dates"] == []
    # The line is late on the 19th now: one new discrepancy, told, kept and on the report.
    assert len(told.json["days"][1]["new"]) == 1
    kept = place.recon("changes", "--date", "2026-11-19", "--json").json
    assert [row["change"] for row in kept["changes"]] == ["new"]
    assert told.json["days"][1]["changes"]["rows"][0]["change"] == "new"

    [case] = [
        case
        for case in place.recon("cases", "list", "--json").json
        if case["discrepancy_id"] == kept["changes"][0]["discrepancy_id"]
    ]
    number = case["case_id"]
    booked = ("--booking-account", "6602", "--reason", "lost")
    place.recon("cases", "propose-write-off", number, *booked, "--as", "ben")
    assert place.recon("cases", "approve", number, "--as", "anna").code == 0
    shown = place.recon("cases", "show", number).out
    assert re.search(r"difference: -?[\d,]+\.\d\d CNY\n", shown)
    assert re.search(r"ben: propose write-off, booking account: .*, reason: .*\n", shown)
    assert shown.endswith("anna: approve write-off\n")
    before = statement(place, *RANGE)
    place.recon("run", "--date", "2026-11-21")
    after = statement(place, "--date", "2026-11-21")
    assert after["line"]["opening_amount"] == before["line"]["closing_amount"]
    assert after["line"]["written_off_count"] == 1
    assert Decimal(after["line"]["written_off_amount"]) == Decimal(case["difference"])
    assert "CNY" in place.recon("open-items", "--date", "2026-11-21").out
    assert place.recon("open-items", "--date", "2026-11-21", "--buckets", "3,1").code == 2
    assert place.recon("audit", "verify").code == 0
