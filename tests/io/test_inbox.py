"""The inbox: known by content, kept for ever, corrected visibly, healed after a crash."""

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import recon.providers
from recon.errors import NotProvedError, ReconError, StatementError, UserError
from recon.io import evidence
from recon.io import inbox as inbox_module
from recon.io.database import Database
from recon.io.inbox import Inbox, Received, StatementFileRecord, content_of, safe_name
from recon.io.schema import STATEMENT_FILES
from recon.periods import Period
from recon.providers.contract import Content, Description, Provider, ReadContext, StatementKind

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
KNOWN = {"acme": ["1001", "1002"], "solo": ["only-one"]}
# What has nothing to do with the database is tried on one of them.
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def describe(slug: str) -> Any:
    """`acme statement account=1001 from=2026-11-20 to=2026-11-20 part=1`, each fact optional."""

    def look(content: Content) -> Description | None:
        words = content.head.decode("utf-8", "replace").splitlines()[:1]
        if not words or not words[0].startswith(f"{slug} statement"):
            return None
        facts = dict(word.split("=") for word in words[0].split() if "=" in word)
        period = None
        if "from" in facts:
            first = date.fromisoformat(facts["from"])
            period = Period(first, date.fromisoformat(facts.get("to", facts["from"])))
        return Description("bill", facts.get("account"), period, int(facts.get("part", 1)))

    return look


@pytest.fixture(autouse=True)
def providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two providers that are easy to write statements of."""

    def provider(slug: str) -> Provider:
        def read(content: Content, context: ReadContext) -> Any:
            """Whatever it holds can be read."""

        kind = StatementKind("bill", "Bill", "https://example.com", "UTC", describe(slug), read)
        return Provider(slug, slug.title(), slug, (kind,))

    found = {slug: provider(slug) for slug in KNOWN}
    monkeypatch.setattr(recon.providers, "all_providers", lambda: found)


@pytest.fixture
def inbox(database: Database, tmp_path: Path) -> Inbox:
    return Inbox(database, tmp_path / "inbox")


def deliver(
    inbox: Inbox, tmp_path: Path, text: str, name: str = "statement.csv", now: datetime = NOW
) -> Received:
    folder = tmp_path / "delivered"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return inbox.receive(folder / name, known_accounts=KNOWN, now=now)


def acme(account: str = "1001", day: str = "2026-11-20", part: int = 1, body: str = "") -> str:
    return f"acme statement account={account} from={day} part={part}\n{body}\n"


def names(inbox: Inbox, account: str = "1001", day: date = DAY) -> list[str]:
    return [record.name for record in inbox.files_for("acme", account, day)]


# Receiving


def test_a_new_file_is_kept_byte_for_byte_and_read_only(inbox: Inbox, tmp_path: Path) -> None:
    received = deliver(inbox, tmp_path, acme(body="12345"), "Bill 20.CSV")
    file = received.file
    assert received.state == "new"
    assert (file.provider, file.account, file.kind, file.business_date) == (
        *("acme", "1001", "bill"),
        DAY,
    )
    assert (file.version, file.superseded_by, file.received_at) == (1, None, NOW)
    assert file.path == tmp_path / "inbox" / file.file_id[:2] / f"{file.file_id}.csv"
    assert file.path.read_text() == acme(body="12345")
    assert file.path.stat().st_mode & 0o777 == 0o400
    assert inbox.files_for("acme", "1001", DAY) == [file]
    assert inbox.files_for("acme", "1002", DAY) == []


def test_the_same_bytes_again_under_any_name_are_no_news(inbox: Inbox, tmp_path: Path) -> None:
    first = deliver(inbox, tmp_path, acme(), "a.csv")
    again = deliver(inbox, tmp_path, acme(), "b-2026-11-30.csv", NOW.replace(hour=9))
    assert again == Received(first.file, "duplicate")
    assert names(inbox) == ["a.csv"]


def test_other_bytes_for_the_same_day_correct_the_old_ones_which_are_kept(
    inbox: Inbox, tmp_path: Path
) -> None:
    first = deliver(inbox, tmp_path, acme(body="1"))
    second = deliver(inbox, tmp_path, acme(body="2"))
    third = deliver(inbox, tmp_path, acme(body="3"), "other.csv")
    assert [first.state, second.state, third.state] == ["new", "corrected", "corrected"]
    assert [second.file.version, third.file.version] == [2, 3]
    assert inbox.files_for("acme", "1001", DAY) == [third.file]
    assert first.file.path.read_text() == acme(body="1")
    old = deliver(inbox, tmp_path, acme(body="1"))
    assert old.state == "duplicate"
    assert old.file == replace(first.file, superseded_by=second.file.file_id)
    assert inbox.files_for("acme", "1001", DAY) == [third.file]


def test_parts_accounts_and_days_are_different_places(inbox: Inbox, tmp_path: Path) -> None:
    for text in (acme(part=2), acme(part=1), acme("1002"), acme(day="2026-11-21")):
        assert deliver(inbox, tmp_path, text).state == "new"
    assert [record.part for record in inbox.files_for("acme", "1001", DAY)] == [1, 2]


@ON_SQLITE
def test_numbers_of_a_series_that_have_never_come_are_told(inbox: Inbox, tmp_path: Path) -> None:
    first, fifth, sixth = (deliver(inbox, tmp_path, acme(part=n)).file for n in (1, 5, 6))
    deliver(inbox, tmp_path, acme("1002", part=4))
    gaps = {one.part: inbox.gap_before(one) for one in (first, fifth, sixth)}
    assert gaps == {1: [], 5: [2, 3, 4], 6: []}


def test_a_statement_of_several_days_is_registered_for_each(inbox: Inbox, tmp_path: Path) -> None:
    several = "acme statement account=1001 from=2026-11-19 to=2026-11-21"
    received = deliver(inbox, tmp_path, several, "many.csv")
    assert (received.state, received.file.business_date) == ("new", date(2026, 11, 19))
    assert {str(one.business_date) for one in inbox.places_of(received.file.file_id)} == {
        "2026-11-19", "2026-11-20", "2026-11-21",
    }  # fmt: skip
    assert deliver(inbox, tmp_path, several, "again.csv").state == "duplicate"
    assert deliver(inbox, tmp_path, acme(body="by itself")).state == "corrected"
    assert [names(inbox, day=date(2026, 11, number)) for number in (19, 20, 21)] == [
        ["many.csv"], ["statement.csv"], ["many.csv"],
    ]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize(
    ("text", "name", "account", "day"),
    [
        ("acme statement", "1001-2026-11-20.csv", "1001", DAY),
        ("acme statement", "1002All2026-11-20_2026-11-20.csv", "1002", DAY),
        ("acme statement from=2026-11-19", "bill_1002_20261120.csv", "1002", date(2026, 11, 19)),
        ("acme statement account=1001", "20261120_DETAILS.csv.zip", "1001", DAY),
        ("solo statement", "report-20261120.csv", "only-one", DAY),
    ],
)
def test_the_name_is_asked_only_for_what_the_content_does_not_say(
    inbox: Inbox, tmp_path: Path, text: str, name: str, account: str, day: date
) -> None:
    file = deliver(inbox, tmp_path, text, name).file
    assert (file.account, file.business_date) == (account, day)


def test_equal_files_without_transactions_fill_each_day_by_their_name(
    inbox: Inbox, tmp_path: Path
) -> None:
    empty_bill = "acme statement account=1001"
    for name in ("2026-11-20.csv", "2026-11-21.csv"):
        assert deliver(inbox, tmp_path, empty_bill, name).state == "new"
    assert deliver(inbox, tmp_path, empty_bill, "copy of 2026-11-20.csv").state == "duplicate"
    assert deliver(inbox, tmp_path, empty_bill, "no date at all.csv").state == "duplicate"
    assert names(inbox) == ["2026-11-20.csv"]
    assert names(inbox, day=date(2026, 11, 21)) == ["2026-11-21.csv"]


# Refusing


@ON_SQLITE
@pytest.mark.parametrize(
    ("text", "name", "error", "message"),
    [
        ("what is this", "x.csv", StatementError, "x.csv: no provider knows this format"),
        (acme("9999"), "x.csv", UserError, r"account 9999, .* \(configured: 1001, 1002\)"),
        ("acme statement from=2026-11-20", "x.csv", UserError, r"carry the account \(1001, 1002\)"),
        ("acme statement from=2026-11-20", "11001x10012.csv", UserError, "the account"),
        ("acme statement from=2026-11-20", "1001-1002.csv", UserError, "the account"),
        ("acme statement account=1001", "bill.csv", UserError, "its one business date"),
        ("acme statement account=1001", "20261399.csv", UserError, "its one business date"),
        ("acme statement account=1001", "2026-11-20 to 2026-11-21.csv", UserError, "one business"),
        ("acme statement account=1001", "120261120.csv", UserError, "its one business date"),
    ],
)
def test_a_file_that_cannot_be_placed_is_refused_and_leaves_no_trace(
    inbox: Inbox, tmp_path: Path, text: str, name: str, error: type[ReconError], message: str
) -> None:
    with pytest.raises(error, match=message):
        deliver(inbox, tmp_path, text, name)
    assert not (tmp_path / "inbox").exists()


@ON_SQLITE
def test_a_provider_without_accounts_is_said_so(inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "20261120.csv").write_text("solo statement")
    with pytest.raises(UserError, match="no solo account is configured"):
        inbox.receive(tmp_path / "20261120.csv", known_accounts={}, now=NOW)


@ON_SQLITE
def test_a_file_that_is_not_there_or_is_a_folder_is_said_so(inbox: Inbox, tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            inbox.receive(path, known_accounts=KNOWN, now=NOW)


# Many at once, and large ones


def test_threads_that_deliver_at_once_agree_on_one_current_file(
    inbox: Inbox, tmp_path: Path
) -> None:
    (tmp_path / "same.csv").write_text(acme())
    texts = [acme(body=str(number)) for number in range(3)]
    with ThreadPoolExecutor(8) as threads:
        same = [
            threads.submit(inbox.receive, tmp_path / "same.csv", known_accounts=KNOWN, now=NOW)
            for _ in range(5)
        ]
        other = [
            threads.submit(deliver, inbox, tmp_path, text, f"{number}.csv")
            for number, text in enumerate(texts)
        ]
    states = [future.result().state for future in same]
    assert states.count("duplicate") == 4
    received = {future.result().file.version for future in [*same, *other]}
    assert received == {1, 2, 3, 4}
    assert len(inbox.files_for("acme", "1001", DAY)) == 1


@ON_SQLITE
def test_bytes_that_changed_in_the_inbox_are_not_read(inbox: Inbox, tmp_path: Path) -> None:
    file = deliver(inbox, tmp_path, acme(body="1.00")).file
    assert content_of(file.path, file.name, file.file_id).file_id == file.file_id
    file.path.chmod(0o644)
    file.path.write_text(acme(body="9.00"))
    with pytest.raises(NotProvedError, match="no longer what was received"):
        content_of(file.path, file.name, file.file_id)


@ON_SQLITE
def test_a_large_file_is_never_held_whole(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = deliver(inbox, tmp_path, acme(body="x" * 200_000)).file
    monkeypatch.setattr(inbox_module, "IN_MEMORY_BYTES", 100_000)
    large = content_of(small.path, "bill.csv")
    assert large.scannable == str(small.path)
    whole = replace(large, scannable=small.path.read_bytes())
    monkeypatch.undo()
    assert content_of(small.path, "bill.csv") == whole
    assert whole.tail == small.path.read_bytes()[-64 * 1024 :]


@ON_SQLITE
def test_a_large_file_that_changes_while_it_is_copied_is_refused(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(inbox_module, "HEAD_BYTES", 64)

    def grow(source: Path, copy: Any) -> str:
        source.write_text(acme(body="grown " * 20))
        return real(source, copy)

    real = evidence._copy
    monkeypatch.setattr(evidence, "_copy", grow)
    with pytest.raises(UserError, match="changed while it was read"):
        deliver(inbox, tmp_path, acme(body="short " * 20))
    assert [path for path in (tmp_path / "inbox").rglob("*") if path.is_file()] == []


# Crashes and losses


def test_a_crash_between_file_and_registry_is_healed_by_the_next_delivery(
    database: Database, tmp_path: Path
) -> None:
    class Crashing(Inbox):
        def _register(self, record: StatementFileRecord) -> Received:
            raise KeyboardInterrupt

    inbox = Inbox(database, tmp_path / "inbox")
    with pytest.raises(KeyboardInterrupt):
        deliver(Crashing(database, tmp_path / "inbox"), tmp_path, acme())
    assert inbox.files_for("acme", "1001", DAY) == []
    [orphan] = inbox.unregistered()
    assert orphan.read_text() == acme()
    assert deliver(inbox, tmp_path, acme()).state == "new"
    assert [record.path for record in inbox.files_for("acme", "1001", DAY)] == [orphan]
    assert inbox.unregistered() == []


def test_f49_unregistered_files_are_registered_when_they_come_again(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    kept = deliver(inbox, tmp_path, acme()).file
    with database.begin() as connection:  # as after restoring an older backup of the database
        connection.execute(sa.delete(STATEMENT_FILES))
    assert inbox.unregistered() == [kept.path]
    assert deliver(inbox, tmp_path, acme()).state == "new"
    assert inbox.unregistered() == []
    assert inbox.files_for("acme", "1001", DAY) == [kept]


@pytest.mark.parametrize("damage", ["removed", "cut"])
def test_f49_a_file_the_inbox_has_lost_is_not_proved_and_comes_back_with_the_next_delivery(
    inbox: Inbox, tmp_path: Path, damage: str
) -> None:
    file = deliver(inbox, tmp_path, acme(body="1")).file
    file.path.unlink()
    if damage == "cut":
        file.path.write_text("acme")
    with pytest.raises(NotProvedError, match=r"has lost statement\.csv .* restore it"):
        inbox.files_for("acme", "1001", DAY)
    assert deliver(inbox, tmp_path, acme(body="1")).state == "duplicate"
    assert inbox.files_for("acme", "1001", DAY) == [file]
    assert file.path.read_text() == acme(body="1")


@ON_SQLITE
def test_a_full_disk_leaves_no_part_of_a_file(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReconError, match="No space left on device; nothing was kept"):
        deliver(inbox, tmp_path, acme())
    monkeypatch.undo()
    assert [path for path in (tmp_path / "inbox").rglob("*") if path.is_file()] == []


@ON_SQLITE
def test_what_a_killed_process_left_is_swept_away(inbox: Inbox, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as killed:
        killed.send_signal(signal.SIGKILL)
    file = deliver(inbox, tmp_path, acme()).file
    file.path.unlink()
    left = file.path.with_name(f"{file.file_id}.{killed.pid}.7.part")
    ours = file.path.with_name(f"{file.file_id}.{os.getppid()}.7.part")
    for part in (left, ours):
        part.write_text("half a fi")
    deliver(inbox, tmp_path, acme())
    assert sorted(file.path.parent.iterdir()) == sorted([file.path, ours])
    assert inbox.unregistered() == []


@ON_SQLITE
def test_what_another_user_has_left_is_in_nobodys_way(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = deliver(inbox, tmp_path, acme()).file
    file.path.unlink()
    theirs = file.path.with_name(f"{file.file_id}.1.7.part")
    theirs.write_text("half a fi")

    def not_ours(process: int, signal: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "kill", not_ours)
    assert deliver(inbox, tmp_path, acme()).state == "duplicate"
    assert sorted(file.path.parent.iterdir()) == sorted([file.path, theirs])


# Hostile names


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("bill 2026.csv", "bill 2026.csv"),
        ("账单　20261120.csv", "账单　20261120.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\x1b[31mb\r\n\0.csv", "a_[31mb___.csv"),
        ("innocent\u202excod.exe", "innocent_xcod.exe"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
        ("bad\udcff.csv", "bad_.csv"),
    ],
)
def test_a_hostile_name_becomes_a_harmless_one(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_name_cannot_lead_out_of_the_inbox_or_into_sql(inbox: Inbox, tmp_path: Path) -> None:
    hostile = "x'; DROP TABLE statement_file; --\n.c$(id)v"
    file = deliver(inbox, tmp_path, acme(), hostile).file
    assert file.name == "x'; DROP TABLE statement_file; --_.c$(id)v"
    assert file.path.name == f"{file.file_id}.cidv"
    assert names(inbox) == [file.name]
