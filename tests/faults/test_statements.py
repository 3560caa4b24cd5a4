"""F21-F28: a statement that is cut, torn, recoded, renamed, rearranged, or another's."""

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.io.statements import normalize_files
from tests.faults.place import DAY, TRADES, Place

SAMPLES = Path(__file__).parents[2] / "sample_statements"
BILL = (SAMPLES / "wechatpay" / TRADES).read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def normalized(place: Place, name: str, data: bytes) -> tuple[int, Any, pl.DataFrame]:
    """What `recon normalize` makes of a file: exit code, its JSON, and the lines."""
    path = place.folder / name
    path.write_bytes(data)
    out = place.folder / "lines.parquet"
    said = place.recon("normalize", path, "--json", "--out", out)
    assert said.code in (0, 3), said.err
    return said.code, said.json, pl.read_parquet(out).drop("file_id", "line_no")


def test_f21_a_file_cut_at_a_row_boundary_is_told_by_its_totals(place: Place) -> None:
    place.drop(TRADES, b"\r\n".join(BILL.split(b"\r\n")[:40]) + b"\r\n")
    said = place.run_day()
    assert said.code == 3
    assert "not proved: 1 statement(s) do not state all their control totals" in said.out
    assert place.report("discrepancies.csv").decode().count("control_total_mismatch") == 1


def test_f21_a_row_lost_in_the_middle_is_told_by_its_totals(place: Place) -> None:
    rows = BILL.split(b"\r\n")
    place.drop(TRADES, b"\r\n".join([*rows[:20], *rows[21:]]))
    said = place.run_day()
    assert said.code == 3
    assert place.report("discrepancies.csv").decode().count("control_total_mismatch") == 1


def _cuts() -> dict[str, bytes]:
    middle = len(BILL) // 2
    inside = next(i for i in range(middle, len(BILL)) if 0x80 <= BILL[i] < 0xC0)  # of a character
    return {"in a row": BILL[: BILL.index(b",", middle)], "in a character": BILL[:inside]}


@pytest.mark.parametrize("cut", ["in a row", "in a character"])
def test_f22_a_file_cut_in_the_middle_of_something_is_refused_whole(place: Place, cut: str) -> None:
    place.drop(TRADES, _cuts()[cut])
    said = place.run_day()
    assert said.code == 3
    assert TRADES in said.err
    assert "the trade_all statement is missing" in said.out
    assert "amount_mismatch" not in place.report("discrepancies.csv").decode()


def test_f22_a_report_cut_inside_quotes_is_refused_as_cut(tmp_path: Path) -> None:
    place = Place(tmp_path, "paypal")
    [path] = place.dropped.glob(f"STL-{DAY:%Y%m%d}*.CSV")
    data = path.read_bytes()
    place.drop(path.name, data[: data.index(b'"', len(data) // 2) + 3])
    said = place.run_day()
    assert said.code == 3
    assert "the file ends inside of quotes, so it was cut on its way; fetch it again" in said.err
    assert "settlement statement is missing" in said.out


def test_f23_a_short_row_is_a_reject_with_its_line_number(place: Place) -> None:
    rows = BILL.split(b"\r\n")
    rows[7] = b",".join(rows[7].split(b",")[:-3])
    code, told, lines = normalized(place, "short.csv", b"\r\n".join(rows))
    assert code == 3
    [reject] = told["rejects"]
    assert reject["line_no"] == 8
    assert lines.height == len(rows) - 5  # header, two of the footer, the last line end, the reject


def rewritten(change: Callable[[list[str]], list[str]]) -> bytes:
    """The bill with the cells of header and rows changed; a cell of goods may hold commas."""
    header, *rows = BILL.decode("utf-8-sig").split("\r\n")
    made = [",".join(change(header.split(",")))]
    made += [
        ",".join(f"`{cell}" for cell in change(row.removeprefix("`").split(",`")))
        for row in rows[:-3]
    ]
    return b"\xef\xbb\xbf" + "\r\n".join([*made, *rows[-3:]]).encode()


def test_f24_columns_are_read_by_name_in_any_order_and_a_missing_one_is_named(place: Place) -> None:
    _, _, plain = normalized(place, "plain.csv", BILL)
    assert rewritten(list) == BILL
    turned = rewritten(lambda cells: [cells[0], *reversed(cells[1:]), "新列"])
    _, _, other = normalized(place, "turned.csv", turned)
    assert other.sort("line_id").equals(plain.sort("line_id"))
    path = place.folder / "renamed.csv"
    path.write_bytes(
        rewritten(lambda cells: ["手续费用" if cell == "手续费" else cell for cell in cells])
    )
    said = place.recon("normalize", path)
    assert said.code == 2
    assert "手续费" in said.err


def _spellings() -> list[tuple[str, str, list[bytes]]]:
    text = BILL.decode("utf-8-sig")
    plain = (SAMPLES / "paypal" / f"STL-{DAY:%Y%m%d}.01.009.CSV").read_bytes().decode("utf-8-sig")
    alipay = f"20889990001234560156_{DAY:%Y%m%d}_trade_detail.csv"
    zh = (SAMPLES / "alipay" / alipay).read_bytes().decode("gb18030")
    return [
        ("wechatpay", TRADES, [text.encode(), text.encode("utf-8-sig"),
                               text.replace("\r\n", "\n").encode("utf-8-sig")]),
        ("paypal", "r.csv", [plain.encode(), plain.encode("utf-8-sig"),
                             plain.replace("\r\n", "\n").replace("\n", "\r\n").encode()]),
        ("alipay", alipay, [zh.encode("gb18030"), zh.encode("utf-8"), zh.encode("utf-8-sig")]),
    ]  # fmt: skip


@pytest.mark.parametrize(("provider", "name", "spellings"), _spellings(), ids=lambda v: str(v)[:9])
def test_f25_a_statement_gives_the_same_lines_in_every_encoding_it_comes_in(
    place: Place, provider: str, name: str, spellings: list[bytes]
) -> None:
    found = [normalized(place, name, data)[2] for data in spellings]
    assert found[0].height > 10
    assert set(found[0]["provider"]) == {provider}
    for other in found[1:]:
        assert other.equals(found[0])


def test_f26_a_file_that_could_not_be_read_is_read_when_it_comes_right(place: Place) -> None:
    place.drop(TRADES, BILL[: len(BILL) // 2])
    assert place.run_day().code == 3
    assert place.run_day().code == 3  # it is not taken for done
    place.drop(TRADES, BILL)
    said = place.run_day()
    assert (said.code, said.err) == (0, "")
    assert "wechatpay 1600000001: not proved" not in said.out


def test_f27_one_bad_row_is_rejected_and_the_rest_goes_on_within_the_limit(place: Place) -> None:
    rows = BILL.split(b"\r\n")
    rows[9] = rows[9].replace(b"`CNY", b"`CNX")
    place.drop(TRADES, b"\r\n".join(rows))
    said = place.run_day("--json")
    [day] = said.json["days"]
    assert said.code == 3
    found = {row["type"]: row["row_count"] for row in day["discrepancies_by_type"]}
    assert found["validation_failed"] == 1
    matched = pl.read_parquet(place.reports / "matches.parquet").height
    assert matched > 80
    text = place.settings.read_text("utf-8").replace(
        "[[account]]", "[[account]]\nunmapped_limit = 1"
    )
    place.settings.write_text(text, "utf-8")
    [again] = place.run_day("--json").json["days"]
    assert not [why for why in again["not_proved_because"] if "row" in why and "reject" in why]


OTHERS = {
    "another provider's": (
        f"paypal/STL-{DAY:%Y%m%d}.01.009.CSV",
        "is for paypal account RECONDEMO7US1,",
    ),
    "another account's": ("wechatpay", "is for wechatpay account 1699999999,"),
}


@pytest.mark.parametrize("whose", OTHERS)
def test_f28_a_file_of_another_provider_or_account_is_refused(place: Place, whose: str) -> None:
    sample, said_so = OTHERS[whose]
    data = BILL if sample == "wechatpay" else (SAMPLES / sample).read_bytes()
    place.drop("1600000001_other_2026-11-18.csv", data.replace(b"`1600000001", b"`1699999999"))
    said = place.run_day()
    assert said.code == 3
    assert f"{said_so} which is not configured" in said.err
    assert not [name for name in place.kept() if "other" in name]


def test_f28_rows_of_another_day_are_rejected(place: Place) -> None:
    place.drop(TRADES, BILL.replace(b"`2026-11-18 1", b"`2026-11-19 1"))
    said = place.run_day()
    assert said.code == 3
    assert re.search(r"not proved: \d+ row\(s\) were not understood", said.out)


OF_EACH = [  # (a statement, its encoding) of every provider
    (f"wechatpay/{TRADES}", "utf-8-sig"),
    (f"paypal/STL-{DAY:%Y%m%d}.01.009.CSV", "utf-8"),
    (f"alipay/20889990001234560156_{DAY:%Y%m%d}_account_detail.csv", "gb18030"),
    ("adyen/settlement_detail_report_batch_411.csv", "utf-8"),
    (f"stripe/acct_RECONDEMO0001_payouts_{DAY}.json", "utf-8"),
    (f"tpwallet/0x71c7656ec7ab88b098defb751b7401b5f6d8976f_{DAY}.csv", "utf-8"),
    (f"bank/NL02RECO0123456789_{DAY}.camt053.xml", "utf-8"),
    (f"bank/6222021000001234567_{DAY}.mt940.sta", "utf-8"),
]


@pytest.mark.parametrize(("path", "encoding"), OF_EACH, ids=lambda value: str(value)[:14])
@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE], ids=["le", "be"])
def test_f25_a_statement_saved_as_utf_16_is_the_same_statement(
    path: str, encoding: str, mark: bytes, tmp_path: Path
) -> None:
    plain = SAMPLES / path
    codec = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    saved = tmp_path / plain.name
    saved.write_bytes(mark + plain.read_bytes().decode(encoding).encode(codec))
    lines, again = (
        normalize_files([one], provider=None, account=None, time_zone=None).lines.drop("file_id")
        for one in (plain, saved)
    )
    assert again.equals(lines)
    assert lines.height > 0


def test_f25_a_statement_saved_in_another_encoding_is_refused_with_its_name(tmp_path: Path) -> None:
    saved = tmp_path / TRADES
    saved.write_bytes(BILL.decode("utf-8-sig").encode("gb18030"))
    with pytest.raises(StatementError, match=r"statement of wechatpay, trade_all, but byte 0 is"):
        normalize_files([saved], provider=None, account=None, time_zone=None)
    saved.write_bytes(BILL[:-200] + b"\xff" + BILL[-200:])
    with pytest.raises(StatementError, match=rf"byte {len(BILL) - 200} is not"):
        normalize_files([saved], provider=None, account=None, time_zone=None)


def test_f22_a_cut_file_does_not_take_the_place_of_a_whole_one(place: Place) -> None:
    assert place.run_day().code == 0
    before = place.report("discrepancies.csv")
    place.drop(TRADES, _cuts()["in a row"])
    said = place.run_day()
    assert said.code == 3
    assert "cut on its way; fetch it again" in said.err
    assert "nothing changed since the run before" in said.out
    assert place.report("discrepancies.csv") == before
