"""Every table of the terminal in Chinese: title and headings, of whatever a command can show."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from recon.console import frames, grids
from tests.faults.place import Place

_DAYS = ("--from", "2026-11-18", "--to", "2026-11-20")
_DAY = ("--date", "2026-11-19")
_CHINESE = re.compile("[\u4e00-\u9fff]")

COMMANDS = [
    ("run", *_DAY),
    ("status",),
    ("check",),
    ("providers",),
    ("discrepancies",),
    ("open-items", *_DAYS),
    ("changes", *_DAYS),
    ("withdrawals", *_DAYS),
    ("cases", "list", "--state", "all"),
    ("files", "list", *_DAYS),
    ("ledger", "show", *_DAY),
    ("ledger", "import", "{place}/broken.csv"),
    ("normalize", "{place}/broken_statement.csv"),
    ("journal", *_DAY),
    ("sign-off", "show"),
    ("fees", "show", *_DAY),
    ("fees", "simulate", "--schedule", "{place}/configs/fees/wechatpay.toml", *_DAYS),
    (
        *("fees", "invoice", "--provider", "wechatpay", "--account", "1600000001"),
        *("--month", "2026-11", "--stated", "1.00", "--currency", "CNY"),
    ),
]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Days with everything there is to show: a rerun, a write-off, a signature, broken rows."""
    place = Place(tmp_path_factory.mktemp("month"))
    [ledger] = (place.folder / "sample_statements" / "ledger").iterdir()
    header, *rows = ledger.read_text("utf-8").splitlines()
    place.recon("run", *_DAYS)
    moved = next(row for row in rows if "2026-11-18" in row).replace("2026-11-18", "2026-11-17")
    (place.folder / "moved.csv").write_text(f"{header}\n{moved}\n", "utf-8")
    place.recon("ledger", "import", place.folder / "moved.csv")
    place.recon("run", "--date", "2026-11-18", "--cascade")
    cases = place.recon("cases", "list", "--json").json
    number = next(case["case_id"] for case in cases if case["type"] == "missing_in_ledger")
    booked = ("--booking-account", "6602", "--reason", "lost")
    place.recon("cases", "propose-write-off", number, *booked, "--as", "ben")
    assert place.recon("cases", "approve", number, "--as", "anna").code == 0
    place.run_day()
    signed = place.recon("sign-off", "--date", "2026-11-18", "--as", "anna", "--note", "seen")
    assert signed.code == 0
    (place.folder / "broken.csv").write_text(f"{header}\n{moved.replace('CNY', 'ABC')}\n", "utf-8")
    statement = place.dropped / "1600000001_trade_all_2026-11-18.csv"
    broken = statement.read_text("utf-8").replace("CNY", "ABC", 1)
    (place.folder / "broken_statement.csv").write_text(broken, "utf-8")
    return place


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_table_has_its_words_in_chinese(
    month: Place, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    drawn: list[tuple[str, list[str]]] = []

    def draw(
        title: str, cells: Mapping[str, Any], *_: object, headings: Mapping[str, str]
    ) -> list[str]:
        drawn.append((title, [headings.get(name, name) for name in cells]))
        return [title]

    monkeypatch.setattr(frames, "draw", draw)
    monkeypatch.setattr(grids, "draw", draw)
    month.recon(*(word.format(place=month.folder) for word in command), "--lang", "zh")
    assert drawn
    for title, headings in drawn:
        assert not title or _CHINESE.search(title), title
        assert [one for one in headings if one and not _CHINESE.search(one)] == [], title


def test_a_case_is_told_in_chinese(month: Place) -> None:
    facts = month.recon("cases", "show", 1, "--lang", "zh").out.splitlines()
    assert facts[0].strip() == "案件号: 1"
    named = [line.partition(":")[0].strip() for line in facts if not line.startswith("2026-")]
    assert [name for name in named if not _CHINESE.search(name)] == []


def test_what_is_wrong_and_which_rule_has_found_it_is_told_in_chinese(month: Place) -> None:
    refused = month.recon("ledger", "import", month.folder / "broken.csv", "--lang", "zh")
    assert "不是已知的币种代码" in refused.out
    cleared = month.recon("open-items", *_DAYS, "--lang", "zh")
    assert "渠道交易号" in cleared.out


def test_a_column_without_a_value_is_left_out_for_people(month: Place) -> None:
    shown = month.recon("sign-off", "show").out
    assert "prepared_by" in shown
    assert "reviewed_by" not in shown
