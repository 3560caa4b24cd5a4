"""F14-F20, F29, F30, F32: what arrives packed, twice, late, corrected, empty, or not at all."""

import gzip
import io
import os
import stat
import struct
import tarfile
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pysequoia
import pytest

from recon.cli import invoke
from recon.day import DayInput, MemoryStore, Statement
from recon.errors import ReconError, StatementError, UserError
from recon.io.archives import Keys, Limits, form_of, unpacked
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.jobs import RunReport, run_period
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
from tests.support import account_of, copy_place, frame_of, shipped_config

DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
TRADES = "1600000001_trade_all_2026-11-18.csv"
FLOW = "1600000001_fund_flow_2026-11-18.csv"


# ------------------------------------------------------------------------------------- opening


def zipped(path: Path, members: Sequence[tuple[str, bytes]], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


def tarred(path: Path, members: Sequence[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return path


def opened(path: Path, scratch: Path, limits: Limits = Limits()) -> dict[str, bytes]:  # noqa: B008
    with unpacked(path, scratch, limits=limits) as members:
        found = {name: member.read_bytes() for name, member in members}
    assert list(scratch.iterdir()) == []
    return found


TWO = [("a.csv", b"one\n"), ("sub/b.csv", b"two\n"), ("__MACOSX/._a.csv", b"x"), ("e/", b"")]


def test_every_form_is_opened_and_its_members_are_named_after_it(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    packed = zipped(tmp_path / "b.zip", TWO)
    assert opened(packed, scratch) == {"b.zip/a.csv": b"one\n", "b.zip/sub/b.csv": b"two\n"}
    packed = tarred(tmp_path / "b.tar.gz", TWO[:3])
    assert opened(packed, scratch) == {"b.tar.gz/a.csv": b"one\n", "b.tar.gz/sub/b.csv": b"two\n"}
    single = tmp_path / "c.csv.gz"
    single.write_bytes(gzip.compress(b"three"))
    assert opened(single, scratch) == {"c.csv.gz/c.csv": b"three"}


def test_chinese_names_without_the_utf8_flag_are_read_as_gbk(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", [("AAAA.csv", b"1")])
    path.write_bytes(path.read_bytes().replace(b"AAAA", "账单".encode("gbk")))
    assert list(opened(path, tmp_path / "s")) == ["b.zip/账单.csv"]
    zipped(path, [("明细.csv", b"1")])
    assert list(opened(path, tmp_path / "s")) == ["b.zip/明细.csv"]


def test_a_workbook_and_plain_text_are_no_archives(tmp_path: Path) -> None:
    workbook = zipped(tmp_path / "b.xlsx", [("[Content_Types].xml", b"<x/>"), ("a", b"")])
    (tmp_path / "b.csv").write_bytes("交易时间,业务".encode("gbk"))
    assert form_of(workbook) is None
    assert form_of(tmp_path / "b.csv") is None


def test_f29_a_bomb_is_refused_by_what_it_says_and_by_what_it_does(tmp_path: Path) -> None:
    scratch, zeros = tmp_path / "scratch", bytes(2_000_000)
    small = Limits(members=3, total_bytes=3_000_000, ratio=20, free_bytes=100_000)
    many = [(f"{number}.csv", b"1") for number in range(4)]
    made = [zipped, tarred]
    for number, make in enumerate(made):
        with pytest.raises(StatementError, match="unpacks to more than 1"):
            opened(make(tmp_path / f"ratio{number}", [("a", zeros)]), scratch, small)
        with pytest.raises(StatementError, match="holds more than 3 files"):
            opened(make(tmp_path / f"many{number}", many), scratch, small)
        random = [(str(n), os.urandom(1_600_000)) for n in range(2)]
        with pytest.raises(StatementError, match="more than 3,000,000 bytes"):
            opened(make(tmp_path / f"large{number}", random), scratch, small)
        assert list(scratch.iterdir()) == []
    (tmp_path / "a.gz").write_bytes(gzip.compress(zeros))
    with pytest.raises(StatementError, match="unpacks to more"):
        opened(tmp_path / "a.gz", scratch, small)
    assert list(scratch.iterdir()) == []


def test_f29_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", [("a", bytes(2_000_000))])
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 2_000_000), struct.pack("<I", 9)))
    small = Limits(total_bytes=100_000, free_bytes=100_000)
    with pytest.raises(StatementError, match=r"damaged|unpacks to more"):
        opened(path, tmp_path / "scratch", small)


@pytest.mark.parametrize("outer", [zipped, tarred])
def test_f29_an_archive_in_an_archive_is_not_opened(tmp_path: Path, outer: object) -> None:
    inner = zipped(tmp_path / "inner.zip", [("a", b"1")]).read_bytes()
    for data in (inner, gzip.compress(b"1"), b"-----BEGIN PGP MESSAGE-----\n"):
        path = outer(tmp_path / "outer", [("x.csv", data)])  # type: ignore[operator]
        with pytest.raises(StatementError, match="is itself packed"):
            opened(path, tmp_path / "scratch")


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../a.csv", "a/../../b.csv", "/etc/a.csv", "a\\b.csv", "..\\a.csv", "C:a.csv"]
)
def test_f30_a_name_that_leads_out_is_refused(tmp_path: Path, make: object, name: str) -> None:
    path = make(tmp_path / "b", [("good.csv", b"1"), (name, b"2")])  # type: ignore[operator]
    with pytest.raises(StatementError, match="leads out of the archive"):
        opened(path, tmp_path / "scratch")


def test_f30_links_and_devices_are_refused(tmp_path: Path) -> None:
    link = zipped(tmp_path / "b.zip", [("a", b"/etc/passwd")], stat.S_IFLNK | 0o777)
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
    tars = [tarred(tmp_path / f"{n}.tgz", [("a", b"")], kind) for n, kind in enumerate(kinds)]
    for path in (link, *tars):
        with pytest.raises(StatementError, match="is a link or a device"):
            opened(path, tmp_path / "scratch")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    for make, name in ((zipped, "b.zip"), (tarred, "b.tgz")):
        path = make(tmp_path / name, [("a.csv", os.urandom(5_000))])
        path.write_bytes(path.read_bytes()[:3_000])
        with pytest.raises(StatementError, match="is damaged"):
            opened(path, tmp_path / "scratch")


def test_what_is_encrypted_is_opened_with_the_named_key_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = (pysequoia.Tsk.generate(f"{n} <{n}@example.com>") for n in "ab")
    plain = zipped(tmp_path / "b.zip", TWO).read_bytes()
    for armor, suffix in ((True, "asc"), (False, "pgp")):
        path = tmp_path / f"b.zip.{suffix}"
        to = [ours.extract_certificate()]
        path.write_bytes(pysequoia.encrypt(plain, recipients=to, armor=armor))
        with pytest.raises(UserError, match=r"source\.decrypt_key_env"):
            opened(path, tmp_path / "scratch")
        for value, error in (
            (str(other), "cannot be decrypted with OUR_KEY: No key"),
            ("no key", "OUR_KEY is no private OpenPGP key"),
        ):
            monkeypatch.setenv("OUR_KEY", value)
            with (
                pytest.raises(UserError, match=error) as raised,
                unpacked(path, tmp_path / "scratch", Keys("OUR_KEY")),
            ):
                pass
            assert "\n" not in str(raised.value)
        monkeypatch.setenv("OUR_KEY", str(ours))
        with unpacked(path, tmp_path / "scratch", Keys("OUR_KEY")) as members:
            assert [name for name, _ in members] == [f"{path.name}/a.csv", f"{path.name}/sub/b.csv"]


# ------------------------------------------------------------------------------------ delivering


class Place:
    """Configuration, samples and workspace of one's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ledgers = copy_place(folder, "wechatpay")
        self.dropped = folder / "sample_statements" / "wechatpay"
        self.common = ["--config", f"{folder}/configs", "--workspace", f"{folder}/workspace"]
        assert invoke(["ledger", "import", *map(str, ledgers), *self.common]) == 0

    def run(self, now: datetime = NOW, day: date = DAY) -> RunReport:
        place = Workspace.open(self.folder / "workspace", load_config(self.folder / "configs"))
        return run_period(place, place.config.accounts, one_day(day), fetch=True, now=now)

    def setting(self, text: str) -> None:
        path = self.folder / "configs" / "providers" / "wechatpay.toml"
        path.write_text(path.read_text() + text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_archive_is_received_member_by_member_and_kept_as_it_was(place: Place) -> None:
    plain = place.run().days[0]
    packed = [(name, (place.dropped / name).read_bytes()) for name in (TRADES, FLOW)]
    for name, _ in packed:
        (place.dropped / name).unlink()
    path = zipped(place.dropped / "bills.zip", packed)
    fresh = Place(place.folder / "fresh")
    for name, _ in packed:
        (fresh.dropped / name).unlink()
    (fresh.dropped / "bills.zip").write_bytes(path.read_bytes())
    report = fresh.run()
    assert report.failures == []
    [day] = report.days
    assert day.run_id == plain.run_id
    assert {file.name for file in day.result.files} == {f"bills.zip/{TRADES}", f"bills.zip/{FLOW}"}
    inbox = Workspace.open(fresh.folder / "workspace", load_config(fresh.folder / "configs")).inbox
    assert inbox.unregistered() == []
    assert len(list((fresh.folder / "workspace" / "inbox").glob("*/*.zip"))) == 1
    again = place.run()
    assert (again.failures, again.days[0].change.unchanged) == ([], True)


def test_normalize_reads_the_members_of_an_archive(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(place.folder / "b.zip", [(TRADES, (place.dropped / TRADES).read_bytes())])
    assert invoke(["normalize", str(path), "--account", "1600000001", *place.common]) == 0
    assert f"b.zip/{TRADES}"[:20] in capsys.readouterr().out


def test_a_refused_archive_leaves_nothing_in_the_inbox(place: Place) -> None:
    packed = [(TRADES, (place.dropped / TRADES).read_bytes()), ("../x.csv", b"1")]
    for path in place.dropped.iterdir():
        path.unlink()
    zipped(place.dropped / "bills.zip", packed)
    report = place.run()
    assert "leads out of the archive" in report.failures[0].message
    assert not (place.folder / "workspace" / "inbox").exists()


def test_f14_f15_the_same_bytes_again_under_any_name_change_nothing(place: Place) -> None:
    first = place.run()
    (place.dropped / f"copy-{TRADES}").write_bytes((place.dropped / TRADES).read_bytes())
    again = place.run()
    assert again.failures == []
    assert again.days[0].change.unchanged
    assert again.days[0].run_id == first.days[0].run_id


def test_f16_a_corrected_file_supersedes_and_the_old_one_is_kept(place: Place) -> None:
    first = place.run().days[0]
    path = place.dropped / TRADES
    lines = path.read_bytes().split(b"\r\n")
    lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"\r\n".join(lines))
    os.utime(path, ns=(time.time_ns(), time.time_ns()))
    second = place.run().days[0]
    assert second.supersedes == first.run_id
    assert {file.version for file in second.result.files} == {1, 2}
    inbox = place.folder / "workspace" / "inbox"
    for file in (*first.result.files, *second.result.files):
        assert list(inbox.glob(f"*/{file.file_id}*"))


def test_f18_f19_a_missing_file_is_told_and_a_late_one_completes_the_day(place: Place) -> None:
    late = (place.dropped / TRADES).read_bytes()
    (place.dropped / TRADES).unlink()
    [day] = place.run().days
    assert day.result.not_proved_because[0] == "the trade_all statement is missing"
    types = day.result.discrepancies["type"].to_list()
    assert types.count("file_missing") == 1
    assert "missing_in_provider" not in types
    (place.dropped / TRADES).write_bytes(late)
    assert place.run().days[0].result.proved


def test_f20_an_empty_file_is_refused(place: Place) -> None:
    (place.dropped / TRADES).write_bytes(b"")
    report = place.run()
    assert "the file is empty" in report.failures[0].message
    assert report.exit_code(fail_on_discrepancy=False) == 3


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
