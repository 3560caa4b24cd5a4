"""F14-F20, F32: what arrives twice, late, corrected, empty, or not at all."""

import errno
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from recon.day import DayInput, MemoryStore, Statement
from recon.errors import ReconError, UserError
from recon.io import fetch
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.periods import one_day
from recon.pipeline import run_day
from recon.providers.contract import Content, Provider, ReadContext, Reading, StatementKind
from recon.results import StatementFile
from recon.settings import Expectation
from recon.tables import (
    BALANCE,
    CONTROL_TOTAL,
    LEDGER_ENTRY,
    OPEN_ITEM,
    REJECT,
    STATEMENT_LINE,
    empty,
)
from tests.faults.place import DAY, NOW, TRADES, Place
from tests.support import account_of, frame_of, shipped_config


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_f14_f15_the_same_bytes_again_under_any_name_change_nothing_and_that_is_said(
    place: Place,
) -> None:
    first = place.run_day()
    assert (first.code, "wechatpay: 6 new, from folder" in first.out) == (0, True)
    kept = place.kept()
    place.drop(TRADES, (place.dropped / TRADES).read_bytes())
    place.drop(f"copy-{TRADES}", (place.dropped / TRADES).read_bytes())
    again = place.run_day()
    assert again.code == 0
    assert "wechatpay: nothing new, 7 known already, from folder" in again.out
    assert "nothing changed since the run before" in again.out
    assert place.kept() == kept


def wrong(data: bytes) -> bytes:
    """The same bill, in which the first payment is of another order."""
    rows = data.decode("utf-8").split("\r\n")
    cells = rows[1].split(",")
    for column in ("商户订单号", "微信订单号"):
        cells[rows[0].split(",").index(column)] += "9"
    rows[1] = ",".join(cells)
    return "\r\n".join(rows).encode()


def test_f16_a_corrected_file_supersedes_the_old_one_is_kept_and_the_change_is_told(
    place: Place,
) -> None:
    text = place.settings.read_text("utf-8")
    place.settings.write_text(re.sub(r"(line|entry)(_window_days) = 1", r"\1\2 = 0", text), "utf-8")
    right = (place.dropped / TRADES).read_bytes()
    place.drop(TRADES, wrong(right))
    place.run_day()
    kept, before = place.kept(), place.report("discrepancies.csv")
    place.drop(TRADES, right)
    said = place.run_day()
    assert "wechatpay: nothing new, 1 corrected, 5 known already" in said.out
    assert f"{TRADES} is version 2 of its statement; what it replaces is kept" in said.out
    assert re.search(r"  cleared: missing_in_ledger \S+, \d+\.\d\d CNY", said.out)
    # The two sides of the payment, and the balance that moves for another than the bill tells of.
    assert re.search(r"0 new, 3 cleared, 0 changed since run \w+, which is kept", said.out)
    assert kept < place.kept()
    [old] = (place.reports / "superseded").glob("*/discrepancies.csv")
    assert old.read_bytes() == before
    assert f"since run {old.parent.name}, which is kept" in said.out
    # The old bytes once more are no news: what corrected them stays.
    after = place.report("discrepancies.csv")
    place.drop(TRADES, wrong(right))
    said = place.run_day()
    assert "6 known already, 1 of them replaced by a correction, so not used" in said.out
    assert "to take a correction back: recon files list" in said.out
    assert "nothing changed since the run before" in said.out
    assert place.report("discrepancies.csv") == after


def test_f18_f19_a_missing_file_is_told_and_a_late_one_completes_the_day(place: Place) -> None:
    late = (place.dropped / TRADES).read_bytes()
    (place.dropped / TRADES).unlink()
    said = place.run_day()
    assert said.code == 3
    assert "not proved: the trade_all statement is missing" in said.out
    found = place.report("discrepancies.csv").decode()
    assert found.count("file_missing") == 1
    assert "missing_in_provider" not in found
    place.drop(TRADES, late)
    said = place.run_day()
    assert said.code == 0
    assert "wechatpay: 1 new, 5 known already" in said.out
    assert "1 cleared" in said.out
    assert "file_missing" not in place.report("discrepancies.csv").decode()


def test_f20_an_empty_file_is_refused(place: Place) -> None:
    place.drop(TRADES, b"")
    said = place.run_day()
    assert said.code == 3
    refused = f"recon: {place.dropped / TRADES}: the file is empty; even a day at rest has a header"
    assert said.err.splitlines() == [refused]  # named once
    assert "the trade_all statement is missing" in said.out


def test_a_file_that_is_taken_away_while_the_folder_is_read_stops_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.dropped / "gone.csv").symlink_to(place.folder / "nowhere")  # listed, and not there
    said = place.run_day()
    assert (said.code, said.err) == (0, "")
    listed = Path.iterdir

    def refused(folder: Path) -> Iterator[Path]:
        if folder == place.dropped:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refused)
    said = place.run_day()
    assert said.code == 3
    refusal = f"the folder {place.dropped} cannot be read: Permission denied"
    assert said.err == f"recon: wechatpay: {refusal}\n"


def test_what_is_here_of_a_series_is_known_to_whoever_is_asked_for_more(place: Place) -> None:
    place.run_day()
    opened = Workspace.open(place.workspace, load_config(place.folder / "configs"))
    errand = fetch._errand(opened, "wechatpay", one_day(DAY), NOW)
    assert set(errand.last_parts.values()) == {1}
    assert ("1600000001", "trade_all") in errand.last_parts


def test_old_statements_that_are_here_are_asked_for_a_week_and_not_a_day_longer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run_day()
    opened = Workspace.open(place.workspace, load_config(place.folder / "configs"))
    errand = fetch._plain_errand(opened.config, opened.root, "wechatpay", one_day(DAY))
    api = replace(errand, source=SimpleNamespace(channel="https", ask_again_days=7))
    monkeypatch.setattr(fetch, "_plain_errand", lambda *given: api)
    for days, kept in ((7, 0), (8, 2)):
        asked_at = datetime(2026, 11, 18 + days, tzinfo=UTC)
        assert len(fetch._errand(opened, "wechatpay", one_day(DAY), asked_at).settled) == kept


def test_a_second_download_is_refused_and_leaves_the_folders_of_the_first(place: Place) -> None:
    opened = Workspace.open(place.workspace, load_config(place.folder / "configs"))
    errand = fetch._plain_errand(opened.config, opened.root, "wechatpay", one_day(DAY))
    errand = replace(errand, source=SimpleNamespace(channel="sftp"))
    begun = errand.staging / "begun"
    with fetch._alone(opened, errand):
        begun.mkdir(parents=True)
        with pytest.raises(UserError, match="another run of fetch-wechatpay is under way"):
            fetch._alone(opened, errand).__enter__()
        assert begun.is_dir()
    assert not errand.staging.exists()


def test_f32_a_hostile_local_name_is_told_harmlessly(place: Place) -> None:
    (place.dropped / TRADES).rename(place.dropped / f"a\x1b[2J\n{TRADES}")
    [day] = place.run().days
    assert day.result.proved
    assert all(file.name.isprintable() for file in day.result.files)


# -------------------------------------------------------------------------------------- calendar

READY = 'ready_at = "10:00"\n'  # in Asia/Shanghai: 02:00 UTC of the next day


@pytest.mark.parametrize(
    ("settings", "now", "proved", "said"),
    [
        (READY, "2026-11-19T01:59", False, "not delivered yet; it is expected by 2026-11-19 10:00"),
        (READY, "2026-11-19T02:00", False, "is missing"),
        (READY + "grace_minutes = 90\n", "2026-11-19T03:29", False, "2026-11-19 11:30 Asia/Shang"),
        (READY + "grace_minutes = 90\n", "2026-11-19T03:30", False, "is missing"),
        (READY + "ready_days = 3\n", "2026-11-21T01:59", False, "2026-11-21 10:00"),
        (READY + 'no_activity = "no_file"\n', "2026-11-19T01:59", False, "not delivered yet"),
        (READY + 'no_activity = "no_file"\n', "2026-11-19T02:00", True, "the source was asked at"),
        ('weekdays = ["mon"]\n', "2026-11-19T02:00", True, "expected for a Wednesday"),
        ('calendar = "CN"\n', "2026-11-19T02:00", False, "is missing"),
    ],
)
def test_f18_f19_a_day_without_a_statement_is_early_missing_or_quiet(
    place: Place, settings: str, now: str, proved: bool, said: str
) -> None:
    place.setting(settings)
    for path in place.dropped.iterdir():
        path.unlink()
    report = place.run(datetime.fromisoformat(now).replace(tzinfo=UTC))
    [day] = report.days
    assert day.result.proved is proved
    assert said in f"{day.result.not_proved_because} {day.result.quiet_because}"
    assert report.exit_code(fail_on_discrepancy=False) == (0 if proved else 3)
    missing = day.result.discrepancies.filter(type="file_missing").height
    assert missing == (2 if "missing" in said else 0)


def test_a_declared_day_is_remembered_and_a_late_statement_still_counts(place: Place) -> None:
    place.setting(READY + 'no_activity = "no_file"\n')
    kept = {path.name: path.read_bytes() for path in place.dropped.iterdir()}
    for name in kept:
        (place.dropped / name).unlink()
    first = place.run().days[0].result.quiet_because
    assert place.run(NOW.replace(day=26)).days[0].result.quiet_because == first
    for name, data in kept.items():
        (place.dropped / name).write_bytes(data)
    [day] = place.run().days
    assert (day.result.proved, day.result.quiet_because) == (True, "")
    assert len(day.result.files) == 2


def test_holidays_and_days_of_rest_do_not_count_as_days_of_delivery() -> None:
    from recon.io.deliveries import Schedule

    bank = Schedule("Asia/Shanghai", "09:00", calendar="CN", weekdays=frozenset(range(5)))
    assert f"{bank.ready(date(2026, 11, 20)):%m-%d %H:%M}" == "11-23 09:00"  # a Friday
    assert bank.closed_because(date(2026, 10, 1)) == "National Day in the calendar CN"
    assert bank.closed_because(date(2026, 10, 1), "zh") == "CN 日历：国庆节"
    assert bank.closed_because(date(2026, 10, 10)) is None  # a Saturday worked for a holiday
    market = Schedule("America/New_York", "09:00", calendar="XNYS")
    assert "Thanksgiving" in str(market.closed_because(date(2026, 11, 26)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('ready_at = "25:00"\n', "ready_at"),
        ('calendar = "Narnia"\n', "'Narnia' is no calendar"),
        ('weekdays = ["monday"]\n', "'monday' is not a day of the week"),
        ('no_activity = "no_file"\n', "needs ready_at"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(
    place: Place, settings: str, message: str
) -> None:
    place.setting(settings)
    with pytest.raises(ReconError, match=message):
        load_config(place.folder / "configs")


@pytest.mark.parametrize(
    ("setting", "whose"),
    [
        ('calendar = "ZZ"\n', "wechatpay 1600000001: 'ZZ' is no calendar"),
        ('cycle = "T+1"\ncycle_from = 2026-11-18\ncycle_calendar = "DE-ZZ"\n',
         "wechatpay 1600000001, cycle_calendar: 'DE-ZZ' is no calendar"),
    ],
)  # fmt: skip
def test_a_calendar_nobody_knows_is_told_by_check(place: Place, setting: str, whose: str) -> None:
    place.setting(setting)
    said = place.recon("check")
    assert (said.code, whose in said.err) == (2, True)


# ----------------------------------------------------------------------------- without a row


@pytest.mark.parametrize("stated", [None, "0"])
@pytest.mark.parametrize("may_be_empty", [False, True])
def test_f20_a_statement_without_rows_counts_only_where_it_is_a_declaration(
    stated: str | None, may_be_empty: bool
) -> None:
    control = {"file_id": "f1", "name": "rows", "stated": stated, "computed": "0"}

    def read(content: Content, context: ReadContext) -> Reading:
        controls = frame_of(CONTROL_TOTAL, [control]).lazy()
        nothing = [empty(table).lazy() for table in (STATEMENT_LINE, REJECT)]
        return Reading(*nothing, controls, empty(BALANCE).lazy())

    kind = StatementKind("bill", "Bill", "https://example.com", "UTC", lambda content: None, read)
    file = StatementFile("f1", "bill.csv", "bill")
    content = Content("f1", "bill.csv", 6, b"header", b"header", b"header")
    account = account_of("wechatpay", statements=("bill",))
    day = DayInput(
        account,
        Provider("wechatpay", "Acme", "acme", (kind,)),
        DAY,
        (Statement(file, kind, content),),
        empty(LEDGER_ENTRY).lazy(),
        empty(REJECT),
        empty(OPEN_ITEM),
        expected=Expectation(may_be_empty=may_be_empty),
    )
    result = run_day(day, shipped_config().policy, MemoryStore())
    assert result.proved is (may_be_empty or stated is not None)
    if not result.proved:
        assert "1 statement(s) without a row" in result.not_proved_because[-1]
