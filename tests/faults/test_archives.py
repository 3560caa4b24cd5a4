"""F29, F30: what arrives packed or encrypted."""

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pysequoia
import pytest

from recon.errors import ReconError, StatementError, UserError
from recon.io.archives import Keys, Limits, form_of, unpacked
from recon.io.config import load_config
from recon.io.days import Workspace
from tests.faults.place import FLOW, TRADES, Place

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


def test_where_nothing_can_be_unpacked_that_is_one_sentence(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "b.zip", TWO)
    (tmp_path / "scratch").write_text("not a folder")
    with pytest.raises(ReconError, match=r"cannot unpack b\.zip: File exists"):
        opened(packed, tmp_path / "scratch")


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


def test_normalize_reads_the_members_of_an_archive(place: Place) -> None:
    path = zipped(place.folder / "b.zip", [(TRADES, (place.dropped / TRADES).read_bytes())])
    said = place.recon("normalize", path, "--account", "1600000001")
    assert said.code == 0
    assert f"b.zip/{TRADES}"[:20] in said.out


def test_a_refused_archive_leaves_nothing_in_the_inbox(place: Place) -> None:
    packed = [(TRADES, (place.dropped / TRADES).read_bytes()), ("../x.csv", b"1")]
    for path in place.dropped.iterdir():
        path.unlink()
    zipped(place.dropped / "bills.zip", packed)
    report = place.run()
    assert "leads out of the archive" in report.failures[0].message
    assert not (place.folder / "workspace" / "inbox").exists()
