"""A provider that pays on the next business day, as a user meets it: late once, then made good."""

import json
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from recon.control.cases import STATES
from tests.support import copy_place

HEAD = (
    "Kartenpartner GmbH\r\nVertragsnummer: 4711-0815\r\nUmsätze vom {day}.11.2026\r\n\r\n"
    "Datum;Uhrzeit;Vorgang;Karte;Transaktion;Zu Transaktion;Ihre Referenz;Zu Referenz;S/H;Betrag;"
    "Entgelt\r\n"
)


def statement(place: Path, day: int, *movements: tuple[str, str, str]) -> None:
    """One file of (Vorgang, S/H, amount), without fees."""
    rows = [
        f"{day}.11.2026;10:00:0{n};{what};visa;T{day}{n};;R{day}{n};;{side};{amount};0,00"
        for n, (what, side, amount) in enumerate(movements)
    ]
    total = sum(
        (1 if side == "H" else -1) * int(amount.replace(",", "")) for _, side, amount in movements
    )
    stated = f"{'-' if total < 0 else ''}{abs(total) // 100},{abs(total) % 100:02}"
    rows.append(f"Summe;;;;;;;;;{stated};0,00;{len(movements)}")
    text = HEAD.format(day=day) + "\r\n".join(rows) + "\r\n"
    path = place / "sample_statements" / "acquirer" / f"umsaetze_4711-0815_202611{day}.csv"
    path.write_bytes(text.encode("cp1252"))


def recon(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    copy_place(tmp_path, "acquirer", "bank")
    path = tmp_path / "configs" / "providers" / "acquirer.toml"
    text = path.read_text("utf-8")
    told = 'payouts_on = "bank"', 'payouts_on = "statement"'
    number = 'payout_reference = "4711-0815/{date:%Y%m%d}"\n', ""
    kind = (
        '[[statement.total]]\nname = "Summe Betrag"',
        (
            '[[statement.kind]]\nkind = "payout"\ncolumn = "Vorgang"\nwords = ["Auszahlung"]\n\n'
            '[[statement.total]]\nname = "Summe Betrag"'
        ),
    )
    for old, new in (told, number, kind):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    (tmp_path / "configs" / "fees" / "acquirer.toml").unlink()
    folder = tmp_path / "sample_statements" / "acquirer"
    for path in folder.iterdir():
        path.unlink()
    return tmp_path


def cases(place: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    every = [f"--state={state}" for state in STATES]
    assert recon(place, "cases", "list", *every, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    return {
        case["discrepancy_id"]: case["state"]
        for case in found
        if case["discrepancy_id"].startswith("payout:")
    }


def test_a_late_payout_is_a_case_until_it_comes(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement(place, 18, ("Kauf", "H", "100,00"), ("Gutschrift", "S", "12,50"))
    statement(place, 19, ("Kauf", "H", "40,00"))
    statement(place, 20, ("Auszahlung", "S", "127,50"))
    late = "payout:acquirer:4711-0815:due:EUR:2026-11-19"
    days = ("run", "--provider", "acquirer", "--from", "2026-11-18", "--to")
    assert recon(place, *days, "2026-11-19") == 0
    assert cases(place, capsys) == {late: "open"}
    folder = place / "workspace" / "reports" / "2026-11-19" / "acquirer" / "4711-0815"
    told = pl.read_csv(folder / "discrepancies.csv", infer_schema=False)
    assert told.filter(type="payout_mismatch").select("difference", "explanation").rows() == [
        (
            "-87.5",
            "By the cycle T+1, 87.50 EUR was due on 2026-11-19: 87.50 (2026-11-18). Nothing was "
            "paid out.",
        )
    ]
    assert recon(place, "run", "--provider", "acquirer", "--date", "2026-11-20") == 0
    assert cases(place, capsys) == {late: "closed"}


def test_a_day_without_its_statement_calls_no_payout_late(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement(place, 18, ("Kauf", "H", "100,00"))
    statement(place, 20, ("Kauf", "H", "5,00"))
    days = ("run", "--provider", "acquirer", "--from", "2026-11-18", "--to", "2026-11-20")
    assert recon(place, *days) == 3
    assert cases(place, capsys) == {}  # it may have been paid on the day that nobody knows
    statement(place, 19, ("Kauf", "H", "7,00"))
    assert recon(place, "run", "--provider", "acquirer", "--date", "2026-11-19", "--cascade") == 0
    assert cases(place, capsys) == {
        f"payout:acquirer:4711-0815:due:EUR:2026-11-{day}": "open" for day in (19, 20)
    }
