"""F56-F58, on SQLite and PostgreSQL: two people, an audit trail, days that are signed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.cli import invoke
from recon.errors import UserError
from recon.io import audit, sign_offs
from recon.io.control_schema import AUDIT
from recon.io.database import Database
from recon.io.replay import contradictions
from tests.support import copy_place

DAY = "2026-11-18"

# A command leaves its connections to the end of its process.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


# ------------------------------------------------------------------------------------ audit trail


@pytest.fixture
def trail(database: Database, tmp_path: Path) -> tuple[Database, Path]:
    """Five rows and a head file that knows of them."""
    for number in range(1, 6):
        with database.begin() as connection:
            audit.append(connection, actor="anna", event="comment", subject=f"case:{number}")
    head = tmp_path / "audit.head"
    audit.keep_head(database, head)
    assert audit.verify(database, head) == []
    return database, head


def tamper(database: Database, *statements: str) -> None:
    """What somebody does who may drop triggers."""
    with database.begin() as connection:
        if connection.dialect.name == "sqlite":
            for event in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER guard_audit_{event}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit SET actor = 'ben' WHERE seq = 3", ["row 3 was edited"]),
        ("UPDATE audit SET detail = '{\"a\": 1}' WHERE seq = 5", ["row 5 was edited"]),
        ("UPDATE audit SET hash = 'x' WHERE seq = 3", ["row 3 was edited", "row 3 was replaced"]),
        ("DELETE FROM audit WHERE seq = 2", ["row 2 was removed"]),
        ("DELETE FROM audit WHERE seq = 1", ["row 1 was removed"]),
        ("DELETE FROM audit WHERE seq IN (2, 3)", ["rows 2 to 3 were removed"]),
        ("DELETE FROM audit WHERE seq > 3", ["rows 4 to 5 were removed at the end"]),
        ("DELETE FROM audit", ["rows 1 to 5 were removed at the end"]),
    ],
)
def test_f57_a_row_that_was_edited_or_removed_is_named(
    trail: tuple[Database, Path], statement: str, told: list[str]
) -> None:
    database, head = trail
    tamper(database, statement)
    problems = sorted(audit.verify(database, head))
    assert len(problems) == len(told)
    for problem, expected in zip(problems, told, strict=True):
        assert problem.startswith(expected)


def test_f57_a_row_that_was_rewritten_with_a_hash_of_its_own_does_not_fit_in(
    trail: tuple[Database, Path],
) -> None:
    database, head = trail
    [record] = audit.records(database, "case:4")
    forged = audit.AuditRecord(**{**vars(record), "actor": "eve", "hash": ""})
    tamper(database, f"UPDATE audit SET actor = 'eve', hash = '{forged.digest()}' WHERE seq = 4")
    assert audit.verify(database, head) == ["row 4 was replaced: row 5 does not follow it"]
    follow = f"UPDATE audit SET previous_hash = '{forged.digest()}' WHERE seq = 5"
    with database.begin() as connection:  # and then made to be followed
        connection.exec_driver_sql(follow)
    [said] = audit.verify(database, head)
    assert said.startswith("row 5 was edited")


def test_the_hash_of_a_row_is_what_it_was_when_the_first_was_written() -> None:
    """Trails are kept for years: whatever is changed here breaks all there are."""
    first = audit.AuditRecord(1, "2026-11-20T00:00:00.000000+00:00", "anna", "comment", "case:1",
                              '{"text": "好"}', "", "", "0" * 64, "")  # fmt: skip
    assert first.digest() == ("1151c5ad9e056c3915e36c1175d4835ec55e70952343e06723ec0a4fa4f559a1")


def test_f57_a_head_that_knows_more_is_never_overwritten(trail: tuple[Database, Path]) -> None:
    database, head = trail
    tamper(database, "DELETE FROM audit WHERE seq = 5")
    audit.keep_head(database, head)  # as the next command does
    assert "row 5 was removed at the end" in audit.verify(database, head)[0]
    with database.begin() as connection:
        audit.append(connection, actor="eve", event="comment", subject="case:5")
    audit.keep_head(database, head)
    assert "row 5 is not the one that" in audit.verify(database, head)[0]


def test_f57_the_database_itself_refuses_to_change_the_trail(
    trail: tuple[Database, Path],
) -> None:
    database, _ = trail
    for attempt in (sa.update(AUDIT).values(actor="ben"), sa.delete(AUDIT)):
        with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
            connection.execute(attempt.where(AUDIT.c.seq == 1))
    assert len(audit.records(database)) == 5


# ------------------------------------------------------------------ a place with one signed day


class Place:
    """One account of the samples with its configuration, run from the command line."""

    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.ledgers = copy_place(folder, "wechatpay")
        recon = folder / "configs" / "recon.toml"
        text = recon.read_text("utf-8")
        recon.write_text(f'{text}\n[database]\nurl_env = "RECON_TEST_URL"\n', "utf-8")
        self._common = ["--config", str(folder / "configs"), "--workspace", str(folder / "w")]
        self.account = ["--account", "1600000001"]
        self.url = url

    def __call__(self, *arguments: str, code: int = 0, who: str = "anna") -> str:
        self._capsys.readouterr()
        assert invoke([*arguments, *self._common, "--as", who]) == code
        told = self._capsys.readouterr()
        return told.out + told.err

    @property
    def bill(self) -> Path:
        return self.folder / f"sample_statements/wechatpay/1600000001_trade_all_{DAY}.csv"

    def correct_the_bill(self) -> None:
        """Two rows change places: another file, with the same totals."""
        lines = self.bill.read_bytes().split(b"\r\n")
        lines[1], lines[2] = lines[2], lines[1]
        self.bill.write_bytes(b"\r\n".join(lines))

    @property
    def reports(self) -> Path:
        return self.folder / "w" / "reports" / DAY / "wechatpay" / "1600000001"


@pytest.fixture
def place(
    tmp_path: Path,
    new_url: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    url = new_url()
    monkeypatch.setenv("RECON_TEST_URL", url)
    made = Place(tmp_path, url, capsys)
    made("ledger", "import", *map(str, made.ledgers))
    made("run", "--date", DAY)
    return made


def test_f17_f58_a_signed_day_changes_only_after_it_is_reopened(place: Place) -> None:
    signed = {path.name: path.read_bytes() for path in place.reports.iterdir()}
    place("sign-off", "--date", DAY)
    told = place("sign-off", "--date", DAY, "--review", code=2)
    assert "anna has prepared it; another person must review it" in told
    place("sign-off", "--date", DAY, "--review", who="ben")
    files = {path.name: path.stat().st_ino for path in place.reports.iterdir()}
    place("run", "--date", DAY)  # the same inputs are no news, and the very files stay
    assert {path.name: path.stat().st_ino for path in place.reports.iterdir()} == files

    place.correct_the_bill()
    told = place("run", "--date", DAY, code=2)
    assert f"1600000001_trade_all_{DAY}.csv (version 2)" in told
    assert "signed off up to 2026-11-18 by anna and ben" in told
    assert f'recon reopen --date {DAY} --account 1600000001 --reason "..."' in told
    assert {path.name: path.read_bytes() for path in place.reports.iterdir()} == signed
    assert "has come since and is not used" in place("sign-off", "verify", code=3)
    assert "1600000001_trade_all_2026-11-19" not in place("run", "--date", "2026-11-19")

    assert "say why" in place("reopen", "--date", DAY, *place.account, "--reason", " ", code=2)
    told = place("reopen", "--date", DAY, *place.account, "--reason", "corrected bill")
    assert told == f"{DAY} wechatpay 1600000001 is open again\n"
    told = place("run", "--date", DAY)
    assert "0 new, 0 cleared, 0 changed since run" in told
    told = place("sign-off", "show")
    assert "corrected bill" in told
    place("audit", "verify")


def test_f58_entries_of_a_signed_day_are_refused_and_others_taken(place: Place) -> None:
    place("sign-off", "--date", DAY)
    [ledger] = place.ledgers
    header, *rows = ledger.read_text("utf-8").splitlines()
    first = next(row for row in rows if f",{DAY}," in row).split(",")
    new = {
        "one of that day": ["NEW-1", *first[1:]],
        "one changed": [*first[:-1], "another memo"],
        "one moved out": [cell.replace(DAY, "2026-11-20") for cell in first],
        "one of a later day": ["NEW-2", *(cell.replace(DAY, "2026-11-20") for cell in first[1:])],
    }
    for name in list(new)[:3]:
        file = place.folder / "more.csv"
        rows = [new[name], new["one of a later day"]]
        file.write_text("\n".join([header, *map(",".join, rows)]), "utf-8")
        told = place("ledger", "import", str(file), code=3)
        assert f"{DAY} of wechatpay 1600000001 is closed" in told, name
        assert "1 rejected" in told
        assert "then import the file again" in " ".join(told.split())
    assert "2 new" not in told
    place("reopen", "--date", DAY, *place.account, "--reason", "late entry")
    assert "0 rejected" in place("ledger", "import", str(file))


def test_f58_a_report_that_is_not_the_signed_one_is_named(place: Place) -> None:
    place("sign-off", "--date", DAY)
    place("sign-off", "verify")
    csv = place.reports / "discrepancies.csv"
    csv.write_bytes(csv.read_bytes().replace(b"amount_mismatch", b"nothing at all_"))
    (place.reports / "settlement.xlsx").unlink()
    told = place("sign-off", "verify", code=3)
    assert f"{csv} is not the file that was signed" in told
    assert f"{place.reports / 'settlement.xlsx'} is missing" in told
    assert "settlement.xlsx is missing" in place(
        "sign-off", "--date", DAY, "--review", code=2, who="ben"
    )


def test_f58_what_may_not_be_signed(place: Place) -> None:
    assert "was not run yet" in place("sign-off", "--date", "2026-11-19", code=3)
    place("run", "--date", "2026-11-19")
    place.correct_the_bill()
    place("run", "--date", "2026-11-20", "--no-fetch", code=3)
    assert "is not proved (1 row(s)" in place("sign-off", "--date", "2026-11-20", code=3)
    place("sign-off", "--date", "2026-11-20", "--note", "asked the provider about it")
    # All days before it are closed with it: it rests on them.
    assert "signed off up to 2026-11-20" in place("run", "--date", DAY, code=2)
    assert "is signed already" in place(
        "sign-off", "--date", "2026-11-20", "--note", "again", code=2
    )


def test_f58_a_day_that_is_run_again_while_it_is_looked_at_is_not_signed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashes(folder: Path) -> dict[str, str]:
        digests = real(folder)
        place.correct_the_bill()
        place("run", "--date", DAY)
        return digests

    real = sign_offs._hashes
    monkeypatch.setattr(sign_offs, "_hashes", hashes)
    assert "was run again just now" in place("sign-off", "--date", DAY, code=3)
    assert place("sign-off", "show", "--json") == "[]\n"


SIGNED = f"signatures of day:{DAY} wechatpay 1600000001"


EDITS = {
    "UPDATE discrepancy_case SET state = 'closed' WHERE case_id = 1": (
        "case 1: state is closed, and the audit trail says written_off"
    ),
    "UPDATE discrepancy_case SET state = 'written_off' WHERE case_id = 2": (
        "case 2: state is written_off, and the audit trail says open"
    ),
    "UPDATE write_off SET amount = '9.00' WHERE write_off_id = 2": (
        "write-offs of case 1: amount is 9"
    ),
    "UPDATE write_off SET approved_by = 'carl' WHERE write_off_id = 2": (
        "write-offs of case 1: approved_by is carl, and the audit trail says ben"
    ),
    "DELETE FROM write_off WHERE write_off_id = 1": (
        "write-offs of case 1: 1 row(s), and the audit trail tells of 2"
    ),
    "UPDATE sign_off SET reviewed_by = NULL": (
        f"{SIGNED}: reviewed_by is None, and the audit trail says ben"
    ),
    "UPDATE sign_off SET reports = '{}' WHERE sign_off_id = 2": (
        f"{SIGNED}: reports is not what the audit trail says"
    ),
}


def test_f57_what_the_trail_tells_of_is_held_against_it(place: Place) -> None:
    propose = ("cases", "propose-write-off", "1", "--booking-account", "6602", "--reason", "lost")
    place(*propose)
    place("cases", "reject", "1", "--reason", "ask first", who="ben")
    place(*propose)
    place("cases", "approve", "1", who="ben")
    place("sign-off", "--date", DAY)
    place("reopen", "--date", DAY, *place.account, "--reason", "once more")
    place("sign-off", "--date", DAY)
    assert "another person must review it" in place(
        "sign-off", "--date", DAY, "--review", code=2, who="ANNA"
    )
    assert place("sign-off", "--date", DAY, "--review", who="ben").startswith("1 day(s) reviewed")
    assert "is whole" in place("audit", "verify")
    database = Database.open(place.url)
    for edit, told in EDITS.items():
        with database.connect() as connection:
            assert contradictions(connection) == []
            for (unguard,) in connection.exec_driver_sql(UNGUARD[connection.dialect.name]).all():
                connection.exec_driver_sql(unguard)
            connection.exec_driver_sql(edit)
            assert any(problem.startswith(told) for problem in contradictions(connection))
            connection.rollback()
    with database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE discrepancy_case SET state = 'resolved' WHERE case_id = 2"
        )
    assert "case 2: state is resolved" in place("audit", "verify", code=3)


# What takes the guards away, as somebody does who may.
UNGUARD = {
    "sqlite": "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT DISTINCT 'ALTER TABLE ' || event_object_table || ' DISABLE TRIGGER USER' "
    "FROM information_schema.triggers",
}


def test_f57_a_head_file_that_somebody_has_written_into_is_told(place: Place) -> None:
    head = place.folder / "w" / "audit.head"
    head.write_bytes(b"\xff\xfe gibberish")
    assert f"is not the one that {head} remembers" in place("audit", "verify", code=3)
    place("cases", "comment", "1", "asked")
    assert head.read_bytes() == b"\xff\xfe gibberish"


def test_f56_nobody_approves_what_they_have_proposed(place: Place) -> None:
    propose = ("cases", "propose-write-off", "1", "--booking-account", "6602", "--reason", "lost")
    place(*propose)
    told = place("cases", "approve", "1", code=2, who="ANNA")
    assert "anna has proposed this write-off" in told
    assert "from 2026-11-19 on" in place("cases", "approve", "1", who="ben")


def test_a_person_must_have_a_name(place: Place) -> None:
    assert "is no person" in place("run", "--date", DAY, code=2, who="policy")
    from recon.io.actor import actor_named

    with pytest.raises(UserError, match="is no person"):
        actor_named("Recon")
    assert actor_named("  anna   b. ") == "anna b."
