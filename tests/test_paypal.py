"""PayPal settlement and transaction detail reports: each rule on a small report made here, then
every row of the public samples against an independent reading of them."""

import hashlib
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.errors import StatementError
from recon.periods import Period, one_day
from recon.providers.contract import Content, ReadContext
from recon.providers.paypal import PROVIDER
from recon.tables import check

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
SH = '"SH",2026/01/06 00:00:00 -0800,2026/01/06 23:59:59 -0800,"ACCOUNT1",""'
DAY = one_day(date(2026, 1, 6))
TIME = "2026/01/06 10:00:00 -0800"
COLUMNS = {
    "txn": "Transaction ID", "invoice": "Invoice ID", "ref": "PayPal Reference ID",
    "ref_type": "PayPal Reference ID Type", "code": "Transaction Event Code",
    "started": "Transaction Initiation Date", "completed": "Transaction Completion Date",
    "side": "Transaction Debit or Credit", "amount": "Gross Transaction Amount",
    "currency": "Gross Transaction Currency", "fee_side": "Fee Debit or Credit",
    "fee": "Fee Amount", "fee_currency": "Fee Currency", "custom": "Custom Field",
    "consumer": "Consumer ID", "bank": "Bank Reference ID", "status": "Transactional Status",
    "subject": "Transaction Subject", "source": "Payment Source",
}  # fmt: skip
DETAIL = list(COLUMNS.values())
NAMES = DETAIL[:-3]


def join(*cells: str, separator: str = ",") -> str:
    return separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)


def ch(names: list[str] = NAMES, separator: str = ",") -> str:
    return join("CH", *names, separator=separator)


def sb(names: list[str] = NAMES, separator: str = ",", **changed: str) -> str:
    """A payment of 52.00 USD with a fee of 2.25 for order 1, but for the changed cells."""
    currency = changed.get("currency", "USD")
    usual = {"txn": "1A", "invoice": "order 1", "code": "T0006", "started": TIME, "completed": TIME}
    usual |= {"side": "CR", "amount": "5200", "currency": currency}
    usual |= {"fee_side": "DR", "fee": "225", "fee_currency": currency}
    row = {COLUMNS[key]: text for key, text in (usual | changed).items()}
    return join("SB", *(row.get(name, "") for name in names), separator=separator)


def trr(**changed: str) -> str:
    return sb(DETAIL, **changed)


def footer(type_: str, currency: str, *totals: int, begin: int = 0, end: int = 0) -> str:
    """Gross credits, gross debits, fee credits, fee debits; then the balances three times."""
    pairs = [f'"{"DR" if amount < 0 else "CR"}",{abs(amount)}' for amount in (begin, end) * 3]
    return f'"{type_}","{currency}",{",".join(map(str, totals))},{",".join(pairs)},1'


def report(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Content:
    return content_of("".join(line + end for line in lines).encode(encoding))


def content_of(data: bytes, scannable: str | None = None) -> Content:
    file_id = hashlib.sha256(data).hexdigest()
    return Content(file_id, "r.csv", len(data), data[:65536], data[-65536:], scannable or data)


def read(content: Content, account: str | None = None, dates: Period | None = None) -> Any:
    """The four frames by name, checked against their contracts."""
    reading = PROVIDER.kinds[0].read(content, ReadContext(account, "America/Los_Angeles", dates))
    names = ["lines", "rejects", "controls", "balances"]
    tables = ["STATEMENT_LINE", "REJECT", "CONTROL_TOTAL", "BALANCE"]
    frames = pl.collect_all([getattr(reading, name) for name in names], engine="streaming")
    for table, frame in zip(tables, frames, strict=True):
        check(table, frame)
    return dict(zip(names, frames, strict=True))


def lines_of(*rows: str, names: list[str] = NAMES) -> pl.DataFrame:
    result = read(report(SH, ch(names), *rows))
    assert result["rejects"].rows() == []
    return result["lines"].sort("line_no")


def controls_of(*lines: str) -> dict[tuple[str, str | None], Any]:
    """(stated, computed) by (name, currency)."""
    controls = read(report(*lines))["controls"].drop("file_id")
    found = {(name, currency): tuple(rest) for name, currency, *rest in controls.iter_rows()}
    assert len(found) == controls.height, "no total twice"
    return found


RH_FH = ['"RH",2026/01/07 02:00:00 -0800,"A","X",009,', '"FH",02']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("lines", "described"),
    [
        ([SH, ch()], ("settlement", "ACCOUNT1", DAY, 1)),
        ([ch()], ("settlement", None, None, 1)),
        ([ch(DETAIL)], ("transaction_detail", None, None, 1)),
        ([*RH_FH, SH, ch()], ("settlement", "ACCOUNT1", DAY, 2)),
        ([SH, ch(), SH.replace("T1", "T2"), ch()], ("settlement", None, DAY, 1)),
    ],
)
def test_a_report_says_its_kind_account_day_and_part(
    lines: list[str], described: tuple[Any, ...], encoding: str
) -> None:
    content = report("\n".join(lines), encoding=encoding)
    found = [description for kind in PROVIDER.kinds if (description := kind.describe(content))]
    assert [(d.kind, d.account, d.period, d.part) for d in found] == [described]


Cells: TypeAlias = dict[str, str]
FREE = {"fee_side": "", "fee_currency": ""}


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        ({}, "52 2.25 49.75"), ({"fee_side": "CR"}, "52 -2.25 54.25"),
        ({"code": "T1107", "side": "DR"}, "-52 2.25 -54.25"),
        ({"code": "T1107", "side": "DR", "fee_side": "CR"}, "-52 -2.25 -49.75"),
        ({"fee": "", **FREE}, "52 0 52"), ({"fee": "0", **FREE}, "52 0 52"),
        ({"currency": "JPY", "amount": "15000", "fee": "4300"}, "150 43 107"),
        ({"currency": "KWD", "amount": "15", "fee": "1"}, "0.15 0.01 0.14"),
        ({"amount": "9" * 17, "fee": "1"}, f"{'9' * 15}.99 0.01 {'9' * 15}.98"),
    ],
)  # fmt: skip
def test_amounts_are_signed_hundredths_in_every_currency(cells: Cells, amounts: str) -> None:
    row = lines_of(sb(**cells)).select("gross", "fee", "net").row(0)
    assert row == tuple(Decimal(amount) for amount in amounts.split())


KINDS = {
    "payment": "T0003+ T0006+ T0013+", "transfer": "T0000- T0001- T1115+ T2001+ T2001-",
    "fee": "T0100- T0106- T0107+ T1108+ T1109+", "conversion": "T0200+ T0201- T0202+",
    "top_up": "T0300+ T0700+", "withdrawal": "T0400- T0403- T0600-", "refund": "T1107-",
    "withdrawal_reversal": "T1101+", "chargeback": "T1106- T1201-", "chargeback_reversal": "T1202+",
    "reserve_hold": "T1110- T2103-", "reserve_release": "T1111+ T2104+",
    "adjustment": "T1900+ T1900- T9900+",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "events"), KINDS.items())
def test_an_event_code_and_its_direction_give_the_kind(kind: str, events: str) -> None:
    for event in events.split():
        code, side = event[:-1], {"+": "CR", "-": "DR"}[event[-1]]
        (row,) = lines_of(sb(code=code, side=side)).select("kind", "line_id", "gross").rows()
        currency = ":USD" if kind == "conversion" else ""
        assert row == (kind, f"paypal:ACCOUNT1:{kind}:1A{currency}", int(f"{event[-1]}52"))


@pytest.mark.parametrize(
    ("cells", "field", "unmapped"),
    [
        ({"txn": ""}, "txn", False), ({"side": "D"}, "side", False),
        ({"amount": ""}, "amount", False), ({"amount": "1.50"}, "amount", False),
        ({"amount": "-5"}, "amount", False), ({"amount": "9" * 18}, "amount", False),
        ({"currency": ""}, "currency", False), ({"currency": "XYZ"}, "currency", False),
        ({"amount": "15050", "currency": "JPY", "fee": "0"}, "amount", False),
        ({"fee": "50", "currency": "JPY"}, "fee", False), ({"fee": "x"}, "fee", False),
        ({"fee_side": ""}, "fee_side", False), ({"fee_currency": "EUR"}, "fee_currency", False),
        ({"completed": "2026/02/30 10:00:00 -0800"}, "completed", False),
        ({"completed": "2026/01/06 10:00:00"}, "completed", False),
        ({"code": "T1299"}, "code", True), ({"code": "T1107"}, "code", True),
        ({"status": "F"}, "status", True), ({"status": "Q"}, "status", True),
    ],
)  # fmt: skip
def test_a_row_not_understood_is_a_reject(cells: Cells, field: str, unmapped: bool) -> None:
    result = read(report(SH, ch(DETAIL), trr(**cells), trr(txn="2B")))
    (reject,) = result["rejects"].select("line_no", "field", "value", "unmapped").rows()
    value = cells[field] + (" CR" if field == "code" else "")
    assert reject == (3, COLUMNS[field], value, unmapped)
    assert result["lines"]["txn_id"].to_list() == ["2B"]


@pytest.mark.parametrize(
    ("cells", "status", "stated"),
    [
        ({"status": "S"}, "succeeded", None), ({"status": ""}, "succeeded", None),
        ({"status": "P"}, "pending", 52), ({"status": "D"}, "failed", 52),
        ({"status": "V", "code": "T1107", "side": "DR"}, "reversed", -52),
        ({"status": "V", "code": "T1302"}, "reversed", 52),
        ({"status": "S", "code": "T1300"}, "pending", 52),
    ],
)  # fmt: skip
def test_a_row_that_moves_no_money_is_a_line_of_zero(
    cells: Cells, status: str, stated: Any
) -> None:
    row = lines_of(trr(**cells), names=DETAIL).row(0, named=True)
    assert (row["status"], row["original_amount"]) == (status, stated)
    assert (row["gross"], row["fee"]) == ((52, Decimal("2.25")) if stated is None else (0, 0))
    assert ("moves no money" in row["description"]) == (stated is not None)


@pytest.mark.parametrize(
    ("cells", "references"),
    [
        ({"custom": "note"}, ("order 1", None, None)), ({"invoice": ""}, (None, None, None)),
        ({"ref": "P1", "ref_type": "TXN"}, ("order 1", None, "P1")),
        ({"ref": "P1", "ref_type": "PAP"}, ("order 1", None, None)),
        ({"code": "T1107", "side": "DR", "custom": "note"}, (None, "order 1", None)),
        ({"code": "T1201", "side": "DR", "invoice": "", "custom": "o2"}, (None, "o2", None)),
        ({"code": "T0106", "ref": "C1", "ref_type": "TXN"}, (None, "order 1", "C1")),
        ({"code": "T0400", "side": "DR", "bank": "104742"}, ("104742", None, None)),
    ],
)  # fmt: skip
def test_references_are_ours_the_parents_or_the_banks(cells: Cells, references: Any) -> None:
    lines = lines_of(sb(**cells))
    assert lines.select("merchant_ref", "parent_ref", "parent_txn_id").row(0) == references


def test_the_business_date_is_the_sections_day_and_the_instant_is_utc() -> None:
    late = sb(completed="2026/01/06 23:31:39 -0800", custom="note")
    row = lines_of(late).row(0, named=True)
    assert (row["business_date"], row["batch_id"]) == (date(2026, 1, 6), "20260106")
    assert row["occurred_at"] == datetime(2026, 1, 7, 7, 31, 39, tzinfo=UTC)
    assert (row["payment_method"], row["description"]) == ("paypal", "T0006 note")
    started = trr(started="2026/07/01 23:00:00 +0530", completed="", source="Card", subject="Tea")
    row = read(report(ch(DETAIL), started), "MINE")["lines"].row(0, named=True)
    assert (row["business_date"], row["account"]) == (date(2026, 7, 1), "MINE")
    assert row["occurred_at"] == datetime(2026, 7, 1, 17, 30, tzinfo=UTC)
    assert (row["payment_method"], row["description"]) == ("Card", "T0006 Tea")


def test_rows_of_another_day_or_account_than_asked_for_are_rejects() -> None:
    content = report(SH, ch(), sb())
    assert read(content, "ACCOUNT1", DAY)["rejects"].is_empty()
    tomorrow = one_day(date(2026, 1, 7))
    for account, day, field in (("X", DAY, "account id"), ("ACCOUNT1", tomorrow, "period start")):
        result = read(content, account, day)
        assert result["lines"].is_empty()
        assert result["rejects"]["field"].to_list() == [f"SH {field}"]


HARD = {"txn": "1A", "custom": 'a "b", c'}
PLAIN = [SH, ch(), sb(**HARD), sb(txn="2B")]
TABS = [SH.replace(",", "\t"), ch(NAMES, "\t"), sb(NAMES, "\t", **HARD), sb(NAMES, "\t", txn="2B")]
TWO_WIDTHS = [*PLAIN[:3], ch([*NAMES, "Credit Term"]), PLAIN[3] + ","]


@pytest.mark.parametrize(
    "content",
    [
        report(*PLAIN, encoding="utf-8-sig"), report(*PLAIN, end="\r\n"), report(*PLAIN, "", ""),
        content_of("\n".join(PLAIN).encode()), report(*TABS), report(*TWO_WIDTHS),
        report(*PLAIN[:3], PLAIN[3].replace('"', "")),
        report(SH, ch().replace("n Debit", "n  Debit").replace("r ID", "rID"), *PLAIN[2:]),
        report(SH, ch([name.replace(" ", "") for name in NAMES]), *PLAIN[2:]),
        report(SH, ch(NAMES[::-1]), sb(NAMES[::-1], **HARD), ch(), PLAIN[3]),
    ],
    ids=["BOM", "CRLF", "blank lines", "no last line end", "tabs", "two widths", "unquoted",
         "two spaces", "no spaces", "two column orders"],
)  # fmt: skip
def test_every_spelling_of_a_report_gives_the_same_lines(content: Content, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content.head)  # a large file is scanned where it lies
    expected = lines_of(*PLAIN[2:]).drop("file_id", "line_no")
    for same in (content, content_of(content.head, str(tmp_path / "r.csv"))):
        result = read(same)
        assert result["rejects"].is_empty()
        assert result["lines"].sort("line_no").drop("file_id", "line_no").equals(expected)


def test_a_row_with_other_cells_than_its_header_is_a_reject_at_its_physical_line() -> None:
    broken = [sb() + ",", sb().rpartition(",")[0], '"XX","1"', sb(custom="x").replace('x"', 'x"y')]
    result = read(report(SH, ch(), sb(custom="c\n\nd"), *broken, sb(txn="9Z")))
    lines = result["lines"].sort("line_no").select("line_no", "txn_id", "description")
    assert lines.rows() == [(3, "1A", "T0006 c  d"), (10, "9Z", "T0006")]
    rejects = result["rejects"].sort("line_no")
    assert rejects["line_no"].to_list() == [6, 7, 8, 9]
    words = ["has 18 cells", "has 16 cells", "no record type", "quotes"]
    assert all(word in reason for word, reason in zip(words, rejects["reason"], strict=True))


def test_a_payers_text_cannot_smuggle_in_a_row_or_a_footer() -> None:
    fake = "\n".join(["x", sb(txn="FAKE"), footer("SF", "USD", 0, 0, 0, 0)]).replace('"', "")
    result = read(report(SH, ch(), sb(txn="1A", custom=fake), sb(txn="2B")))
    rows = result["lines"].sort("line_no").select("txn_id", "line_no").rows()
    assert rows == [("1A", 3), ("2B", 6)]
    assert result["balances"].is_empty()


def test_a_quote_left_open_rejects_what_cannot_be_told_apart() -> None:
    result = read(report(SH, ch(), sb(), sb(txn="2B")[:-1] + "cut", sb(txn="3C"), '"SC",3'))
    assert result["lines"]["txn_id"].to_list() == ["1A"]
    assert result["rejects"]["line_no"].to_list() == [4]
    assert "3 line(s)" in result["rejects"]["reason"][0]
    totals = result["controls"].select("name", "stated", "computed").rows()
    assert totals == [("report footer", None, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (report(SH, ch(), sb(), encoding="utf-16"), "is UTF-16"),
        (report(SH, ch(), sb(custom="é"), encoding="latin-1"), "cannot be read as UTF-8"),
        (report(SH, sb()), "no CH line"),
        (report(SH, ch(NAMES[:8]), sb(NAMES[:8])), "no column Gross Transaction Amount"),
        (report(SH, ch([*NAMES, "Invoice  ID"])), "twice: invoiceid"),
        (report('"SH",soon,later,"A"', ch()), "line 1: the SH line starts with 'soon'"),
        (report(SH, ch(), sb()[:-1], SH, ch(), sb()), "line 3: the quotes do not pair"),
        (content_of(b"a,b\n"), "does not start with"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(content: Content, message: str) -> None:
    with pytest.raises(StatementError, match=message):
        read(content)


def test_footers_of_every_currency_are_compared_with_the_rows() -> None:
    refund = sb(txn="2B", code="T1107", side="DR", amount="1000", fee_side="CR", fee="25")
    yen = sb(txn="3C", currency="JPY", amount="15000", fee="4300")
    rows = [sb(txn="1A"), refund, yen, sb(txn="4D", code="T7777")]
    ends = [footer("SF", "USD", 10400, 1000, 25, 450, begin=-100, end=8875)]
    ends += [footer("SF", "JPY", 15000, 0, 0, 4300, end=10700), '"SC",4']
    ends += [line.replace('"S', '"R') for line in ends] + ['"FF",4']
    totals = controls_of(SH, ch(), *rows, *ends)
    assert len(totals) == 2 * 2 * 5 + 3
    assert all(stated == computed for stated, computed in totals.values())
    assert totals["gross credits", "USD"] == (104, 104), "the row of an unknown code counts"
    assert totals["fee debits", "JPY"] == (43, 43)
    assert totals["report ending available balance", "USD"][0] == Decimal("88.75")
    totals = controls_of(SH, ch(), *rows[1:], *ends)
    off = {key for key, (stated, computed) in totals.items() if stated != computed}
    names = ["gross credits", "fee debits", "ending available balance"]
    counts = {(name, None) for name in ("section row count", "report row count", "file row count")}
    assert off == counts | {(p + n, "USD") for p in ("", "report ") for n in names}


def test_money_that_did_not_move_is_counted_and_not_summed() -> None:
    rows = [trr(txn="1A", status="S"), trr(txn="2B", status="P"), trr(txn="3C", code="T1302")]
    totals = controls_of(SH, ch(DETAIL), *rows, footer("SF", "USD", 5200, 0, 0, 225), '"SC",3')
    assert totals["gross credits", "USD"] == (52, 52)
    assert totals["section row count", None] == (3, 3)


ONE = [SH, ch(), sb()]
SF, RF = (footer(type_, "USD", 5200, 0, 0, 225, end=4975) for type_ in ("SF", "RF"))
OTHER_RF = footer("RF", "USD", 99, 0, 0, 0)
SHORT = ['"SF",20039', '"SC",1', '"RF",20039', '"RC",1', '"FF",1']


@pytest.mark.parametrize(
    ("lines", "unverified"),
    [
        (ONE, {"report footer"}), ([*ONE, RF], set()), ([*ONE, SF, '"FF",1'], set()),
        ([*ONE, SF], {"report footer"}),  # cut between two sections, maybe
        (['"FH",01', *ONE, RF], {"file row count"}),
        ([*ONE, SF, *ONE, '"FF",2'], {"section footer"}),
        ([*ONE, sb(currency="EUR"), RF], {"report gross credits", "report fee debits"}),
        ([*ONE, *SHORT], {"report footer"}),
        ([*RH_FH, *ONE, SF, OTHER_RF, '"RC",9', '"FF",1'], {"report row count"}),  # part 2
    ],
)  # fmt: skip
def test_what_no_footer_vouches_for_is_unverified(lines: list[str], unverified: set[str]) -> None:
    totals = controls_of(*lines)
    assert {name for (name, _), (stated, _) in totals.items() if stated is None} == unverified
    assert all(stated in (None, computed) for stated, computed in totals.values())


def test_sections_belong_to_their_accounts() -> None:
    second = [line.replace("T1", "T2").replace("01/06", "01/07") for line in (SH, ch(), sb())]
    content = report(*ONE, SF, '"SC",1', *second, OTHER_RF.replace("RF", "SF"), '"SC",2', '"FF",2')
    lines = (
        read(content)["lines"].sort("line_no").select("account", pl.col("business_date").dt.day())
    )
    assert lines.rows() == [("ACCOUNT1", 6), ("ACCOUNT2", 7)]
    result = read(content, "ACCOUNT1")
    assert result["rejects"].select("line_no", "value").rows() == [(8, "ACCOUNT2")]
    assert result["balances"].rows() == [("USD", 0, Decimal("49.75"))]
    off = result["controls"].filter(pl.col("stated") != pl.col("computed"))["name"].to_list()
    assert len(off) == 4
    assert all(name.endswith(" of ACCOUNT2") for name in off)


def test_a_row_delivered_twice_is_numbered_whatever_the_order() -> None:
    rows = [sb(custom="b"), sb(custom="a"), sb(), sb(txn="2B")]
    sides = [("DR", "BRL"), ("CR", "USD")]
    rows += [sb(txn="5E", code="T0200", side=side, currency=of) for side, of in sides]
    for order in permutations(rows[:4]):
        lines = lines_of(*order, *rows[4:]).sort("line_id")
        ids = lines["line_id"].str.strip_prefix("paypal:ACCOUNT1:").to_list()
        assert ids[:2] == ["conversion:5E:BRL", "conversion:5E:USD"]
        assert ids[2:] == ["payment:1A", "payment:1A#2", "payment:1A#3", "payment:2B"]
        assert lines["description"].to_list()[2:5] == ["T0006", "T0006 a", "T0006 b"]


CELLS: Any = {"txn": ["1A", "2B", ""], "code": ["T0006", "T1107", "T1299"], "side": ["CR", "DR"]}
CELLS |= {"amount": ["5200", "1", "x"], "currency": ["USD", "JPY", ""]}
ROW = st.fixed_dictionaries(
    {"custom": st.text('a",\n\r\té', max_size=5)},
    optional={name: st.sampled_from(texts) for name, texts in CELLS.items()},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=6), st.randoms(use_true_random=False))
def test_every_row_is_a_line_or_a_reject_in_any_order(rows: list[Cells], random: Any) -> None:
    texts = [sb(**cells) for cells in rows]
    result = read(report(SH, ch(), *texts, f'"SC",{len(rows)}'))
    assert result["lines"].height + result["rejects"].height == len(rows)
    assert (len(rows), len(rows)) in result["controls"].select("stated", "computed").rows()
    random.shuffle(texts)
    again = read(report(SH, ch(), *texts))["lines"]
    place = ["line_no", "file_id"]
    assert again.drop(place).sort(pl.all()).equals(result["lines"].drop(place).sort(pl.all()))


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{path} is missing")
    return path.read_bytes()


STL = ["stl", "stl_chargeback_reversal", "stl_currency_convert", "stl_dr_payment"]
TRR = ["dr_payment", "express_checkout_donation", "express_with_non_data_rows", "void"]


@pytest.mark.parametrize("name", [f"paypal/{name}.csv" for name in STL + [f"trr_{t}" for t in TRR]])
def test_every_row_of_the_samples_is_read_as_an_independent_reading_has_it(name: str) -> None:
    files = json.loads(sample("expected.json"))["files"]
    (rows,) = (file["derived_rows"] for file in files if file["file"] == name)
    result = read(content_of(sample(name)), "EZ782AXEUJUW8")
    assert result["rejects"].is_empty()
    for line, row in zip(result["lines"].sort("line_no").to_dicts(), rows, strict=True):
        place = (line["line_no"], line["txn_id"], line["currency"])
        assert place == (row["row"], row["txn_id"], row["currency"])
        assert line["occurred_at"].timestamp() == row["settled_date"]
        gross, fee, net = Decimal(row["gross"]), -Decimal(row["fee"]), Decimal(row["net"])
        if row["status"] == "V":
            stated = (line["status"], line["original_amount"])
            assert stated == ("reversed", gross)
            gross, fee, net = Decimal(0), Decimal(0), Decimal(0)
        assert (line["gross"], line["fee"], line["net"]) == (gross, fee, net)


def test_the_sample_with_cut_footers_is_readable_and_its_totals_are_off() -> None:
    result = read(content_of(sample("paypal/stl.csv")))
    off = result["controls"].filter(pl.col("stated") != pl.col("computed"))
    assert result["lines"].height == 5
    assert {("fee debits", "AUD"), ("gross debits", "GBP")} <= set(off[["name", "currency"]].rows())


def test_files_of_other_providers_are_not_claimed() -> None:
    sample("PROVENANCE.md")
    others = [path for path in SAMPLES.rglob("*.*") if path.parent.name != "paypal"]
    for data in [b"", b"CH,id\n", b"\xff\xfeCH", *(path.read_bytes() for path in others)]:
        assert [kind.describe(content_of(data)) for kind in PROVIDER.kinds] == [None, None]
