"""PayPal reports: each rule on a small report made here; samples against another reading."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.boundary import check
from recon.errors import StatementError
from recon.periods import Period, one_day
from recon.providers import contract
from recon.providers.contract import Content, ReadContext
from recon.providers.paypal import PROVIDER

SH = '"SH",2026/01/06 00:00:00 -0800,2026/01/06 23:59:59 -0800,"ACCOUNT1",""'
RH_FH = ['"RH",2026/01/07 02:00:00 -0800,"A","X",009,', '"FH",02']
DAY, NEXT = one_day(date(2026, 1, 6)), one_day(date(2026, 1, 7))
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
TABLES = ["STATEMENT_LINE", "REJECT", "CONTROL_TOTAL", "BALANCE"]
Cells: TypeAlias = dict[str, str]
Frames: TypeAlias = dict[str, pl.DataFrame]
REFUND, FREE = {"code": "T1107", "side": "DR"}, {"fee_side": "", "fee_currency": ""}


def ch(names: list[str] = NAMES, separator: str = ",") -> str:
    return separator.join(["CH", *names])


def sb(names: list[str] = NAMES, separator: str = ",", /, **changed: str) -> str:
    """A payment of 52.00 USD with a fee of 2.25 for order 1, but for the changed cells."""
    currency = changed.get("currency", "USD")
    usual = {"txn": "1A", "invoice": "order 1", "code": "T0006", "started": TIME, "completed": TIME}
    usual |= {"side": "CR", "amount": "5200", "currency": currency}
    usual |= {"fee_side": "DR", "fee": "225", "fee_currency": currency}
    row = {COLUMNS[key]: text for key, text in (usual | changed).items()}
    cells = ["SB", *(row.get(name, "").replace('"', '""') for name in names)]
    return separator.join(f'"{cell}"' for cell in cells)


def footer(type_: str, currency: str, *totals: int, begin: int = 0, end: int = 0) -> str:
    """Gross credits, gross debits, fee credits, fee debits; then the balances three times."""
    pairs = [f'"{"DR" if amount < 0 else "CR"}",{abs(amount)}' for amount in (begin, end) * 3]
    return f'"{type_}","{currency}",{",".join(map(str, totals))},{",".join(pairs)},1'


def report(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Content:
    return content_of("".join(line + end for line in lines).encode(encoding))


def content_of(data: bytes, scannable: str | None = None) -> Content:
    file_id = hashlib.sha256(data).hexdigest()
    return Content(file_id, "r.csv", len(data), data[:65536], data[-65536:], scannable or data)


def read(content: Content, account: str | None = None, dates: Period | None = None) -> Frames:
    """The four frames by name, checked against their contracts."""
    reading = PROVIDER.kinds[0].read(content, ReadContext(account, "America/Los_Angeles", dates))
    names = ["lines", "rejects", "controls", "balances"]
    frames = pl.collect_all([getattr(reading, name) for name in names], engine="streaming")
    for table, frame in zip(TABLES, frames, strict=True):
        check(table, frame)
    return dict(zip(names, frames, strict=True))


def lines_of(*rows: str, names: list[str] = NAMES) -> pl.DataFrame:
    result = read(report(SH, ch(names), *rows))
    assert result["rejects"].rows() == []
    return result["lines"].sort("line_no")


def controls_of(*lines: str) -> dict[tuple[str, str | None], tuple[Any, ...]]:
    controls = read(report(*lines))["controls"].drop("file_id")
    found = {(name, currency): tuple(rest) for name, currency, *rest in controls.iter_rows()}
    assert len(found) == controls.height, "no total twice"
    return found


HARD, ONE = {"txn": "1A", "custom": 'a "b", c'}, [SH, ch(), sb()]
PLAIN = [SH, ch(), sb(**HARD), sb(txn="2B")]
TABS = [SH.replace(",", "\t"), ch(NAMES, "\t"), sb(NAMES, "\t", **HARD), sb(NAMES, "\t", txn="2B")]
SF, RF = (footer(type_, "USD", 5200, 0, 0, 225, end=4975) for type_ in ("SF", "RF"))
ZERO_SF, OTHER_RF = footer("SF", "USD", 0, 0, 0, 0), footer("RF", "USD", 99, 0, 0, 0)
SHORT = ['"SF",20039', '"SC",1', '"RF",20039', '"RC",1', '"FF",1']
CELLS: Any = {"txn": ["1A", "2B", ""], "code": ["T0006", "T1107", "T1299"], "side": ["CR", "DR"]}
CELLS |= {"amount": ["5200", "1", "x"], "currency": ["USD", "JPY", ""]}
CELLS = {name: st.sampled_from(texts) for name, texts in CELLS.items()}
ROW = st.fixed_dictionaries({"custom": st.text('a",\n\r\té', max_size=5)}, optional=CELLS)
WRONG_TEXTS = {
    "txn": [""], "side": ["D"], "amount": ["", "1.50", "-5", "+5", "9" * 18],
    "currency": ["", "XYZ"],
    "fee": ["x", "-1"], "fee_side": ["", "D"], "fee_currency": ["", "EUR"],
    "completed": ["2026/02/30 10:00:00 -0800", "2026/01/06 10:00:00"],
    "code": ["T1299", "T1107"], "status": ["F", "Q"],
}  # fmt: skip
WRONG = [{field: text} for field, texts in WRONG_TEXTS.items() for text in texts]
WRONG += [{"currency": "JPY", "amount": "15050"}, {"currency": "JPY", "fee": "50"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    ("lines", "described"),
    [
        ([SH, ch()], ("settlement", "ACCOUNT1", DAY, 1)), ([ch()], ("settlement", None, None, 1)),
        ([ch(DETAIL)], ("transaction_detail", None, None, 1)),
        ([*RH_FH, SH, ch()], ("settlement", "ACCOUNT1", DAY, 2)),
        ([SH, ch(), SH.replace("T1", "T2"), ch()], ("settlement", None, DAY, 1)),
    ],
)  # fmt: skip
def test_a_report_says_what_it_is(lines: list[str], described: Any, encoding: str) -> None:
    content = report("\n".join(lines), encoding=encoding)
    found = [description for kind in PROVIDER.kinds if (description := kind.describe(content))]
    assert [(d.kind, d.account, d.period, d.part) for d in found] == [described]


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        ({}, "52 2.25 49.75"), ({"fee_side": "CR"}, "52 -2.25 54.25"),
        (REFUND, "-52 2.25 -54.25"), ({**REFUND, "fee_side": "CR"}, "-52 -2.25 -49.75"),
        ({"fee": "", **FREE}, "52 0 52"), ({"fee": "0", **FREE}, "52 0 52"),
        ({"currency": "JPY", "amount": "15000", "fee": "4300"}, "150 43 107"),
        ({"currency": "KWD", "amount": "15", "fee": "1"}, "0.15 0.01 0.14"),
        ({"amount": "9" * 17, "fee": "1"}, f"{'9' * 15}.99 0.01 {'9' * 15}.98"),
    ],
)  # fmt: skip
def test_amounts_are_signed_hundredths_in_every_currency(cells: Cells, amounts: str) -> None:
    row = lines_of(sb(**cells)).select("gross", "fee", "net").row(0)
    assert row == tuple(Decimal(amount) for amount in amounts.split())


@pytest.mark.parametrize(
    ("kind", "events"),
    {
        "payment": "T0003+ T0006+ T0013+", "transfer": "T0000- T0001- T1115+ T2001+ T2001-",
        "fee": "T0100- T0106- T0107+ T1108+ T1109+", "conversion": "T0200+ T0201- T0202+",
        "top_up": "T0300+ T0700+", "withdrawal": "T0400- T0403- T0600-", "refund": "T1107-",
        "withdrawal_reversal": "T1101+", "chargeback": "T1106- T1201-",
        "chargeback_reversal": "T1202+", "adjustment": "T1900+ T1900- T9900+",
        "reserve_hold": "T1110- T2103-", "reserve_release": "T1111+ T2104+",
    }.items(),
)  # fmt: skip
def test_an_event_code_and_its_direction_give_the_kind(kind: str, events: str) -> None:
    for event in events.split():
        code, side = event[:-1], {"+": "CR", "-": "DR"}[event[-1]]
        (row,) = lines_of(sb(code=code, side=side)).select("kind", "line_id", "gross").rows()
        currency = ":USD" if kind == "conversion" else ""
        assert row == (kind, f"paypal:ACCOUNT1:{kind}:1A{currency}", int(f"{event[-1]}52"))


@pytest.mark.parametrize("cells", WRONG)
def test_a_row_not_understood_is_a_reject_with_field_and_value(cells: Cells) -> None:
    wrong = sb(DETAIL, **{"fee": "100"} | cells)
    result = read(report(SH, ch(DETAIL), wrong, sb(DETAIL, txn="2B")))
    (reject,) = result["rejects"].select("line_no", "field", "value", "unmapped").rows()
    field, text = list(cells.items())[-1]
    value = f"{text} CR" if field == "code" else text
    assert reject == (3, COLUMNS[field], value, field in ("code", "status"))
    assert result["lines"]["txn_id"].to_list() == ["2B"]


@pytest.mark.parametrize(
    ("cells", "status", "stated"),
    [
        ({"status": "S"}, "succeeded", None), ({"status": ""}, "succeeded", None),
        ({"status": "P"}, "pending", 52), ({"status": "D"}, "failed", 52),
        ({"status": "V", **REFUND}, "reversed", -52),
        ({"status": "V", "code": "T1302"}, "reversed", 52),
        ({"status": "S", "code": "T1300"}, "pending", 52),
    ],
)  # fmt: skip
def test_a_row_without_money_is_a_line_of_zero(cells: Cells, status: str, stated: Any) -> None:
    row = lines_of(sb(DETAIL, **cells), names=DETAIL).row(0, named=True)
    assert (row["status"], row["original_amount"]) == (status, stated)
    assert (row["gross"], row["fee"]) == ((52, Decimal("2.25")) if stated is None else (0, 0))
    assert ("moves no money" in row["description"]) == (stated is not None)
    totals = controls_of(SH, ch(DETAIL), sb(DETAIL, **cells), ZERO_SF, '"SC",1')
    assert totals["section row count", None] == (1, 1), "counted, and summed only where money moves"
    assert totals["gross credits", "USD"] == (0, row["gross"])


@pytest.mark.parametrize(
    ("cells", "references"),
    [
        ({"custom": "note"}, ("order 1", None, None)), ({"invoice": ""}, (None, None, None)),
        ({"ref": "P1", "ref_type": "TXN"}, ("order 1", None, "P1")),
        ({"ref": "P1", "ref_type": "PAP"}, ("order 1", None, None)),
        ({**REFUND, "custom": "note"}, (None, "order 1", None)),
        ({"code": "T1201", "side": "DR", "invoice": "", "custom": "o2"}, (None, "o2", None)),
        ({"code": "T0106", "ref": "C1", "ref_type": "TXN"}, (None, "order 1", "C1")),
        ({"code": "T0400", "side": "DR", "bank": "104742"}, ("104742", None, None)),
    ],
)  # fmt: skip
def test_references_are_ours_the_parents_or_the_banks(cells: Cells, references: Any) -> None:
    lines = lines_of(sb(**cells))
    assert lines.select("merchant_ref", "parent_ref", "parent_txn_id").row(0) == references


def test_the_business_date_is_the_sections_day_and_the_instant_is_utc() -> None:
    row = lines_of(sb(completed="2026/01/06 23:31:39 -0800", custom="note")).row(0, named=True)
    assert (row["business_date"], row["batch_id"]) == (date(2026, 1, 6), "20260106")
    assert row["occurred_at"] == datetime(2026, 1, 7, 7, 31, 39, tzinfo=UTC)
    assert (row["payment_method"], row["description"]) == ("paypal", "T0006 note")
    cells = {"started": "2026/07/01 23:00:00 +0530", "completed": "", "source": "Card"}
    only_started = report(ch(DETAIL), sb(DETAIL, subject="Tea", **cells))
    row = read(only_started, "MINE")["lines"].row(0, named=True)
    assert (row["business_date"], row["account"]) == (date(2026, 7, 1), "MINE")
    assert row["occurred_at"] == datetime(2026, 7, 1, 17, 30, tzinfo=UTC)
    assert (row["payment_method"], row["description"]) == ("Card", "T0006 Tea")


def test_rows_of_another_day_or_account_than_asked_for_are_rejects() -> None:
    content = report(SH, ch(), sb())
    assert read(content, "ACCOUNT1", DAY)["rejects"].is_empty()
    for account, day, field in (("X", DAY, "account id"), ("ACCOUNT1", NEXT, "period start")):
        assert read(content, account, day)["rejects"]["field"].to_list() == [f"SH {field}"]


@pytest.mark.parametrize(
    "content",
    [
        report(*PLAIN, encoding="utf-8-sig"), report(*PLAIN, end="\r\n"), report(*PLAIN, "", ""),
        content_of("\n".join(PLAIN).encode()), report(*TABS),
        report(*PLAIN[:3], ch([*NAMES, "Credit Term"]), PLAIN[3].replace('"', "") + ","),
        report(SH, ch().replace("n Debit", "n  Debit").replace("r ID", "rID"), *PLAIN[2:]),
        report(SH, ch([name.replace(" ", "") for name in NAMES]), *PLAIN[2:]),
        report(SH, ch(NAMES[::-1]), sb(NAMES[::-1], **HARD), ch(), PLAIN[3]),
    ],
)  # fmt: skip
def test_every_spelling_of_a_report_gives_the_same_lines(content: Content, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(content.head)  # a large file is scanned where it lies
    expected = lines_of(*PLAIN[2:]).drop("file_id", "line_no")
    for same in (content, content_of(content.head, str(tmp_path / "r.csv"))):
        lines = read(same)["lines"].sort("line_no")
        assert lines.drop("file_id", "line_no").equals(expected)


def test_a_row_with_other_cells_than_its_header_is_a_reject_at_its_physical_line() -> None:
    broken = [sb() + ",", sb().rpartition(",")[0], '"XX","1"', sb(custom="x").replace('x"', 'x"y')]
    result = read(report(SH, ch(), sb(custom="c\n\nd"), *broken, sb(txn="9Z")))
    lines = result["lines"].sort("line_no").select("line_no", "txn_id", "description")
    assert lines.rows() == [(3, "1A", "T0006 c  d"), (10, "9Z", "T0006")]
    rejects = result["rejects"].sort("line_no")
    assert rejects["line_no"].to_list() == [6, 7, 8, 9]
    words = ["has 18 cells", "has 16 cells", "no record type", "quotes"]
    assert all(word in reason for word, reason in zip(words, rejects["reason"], strict=True))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block_bytes", [1, 500, 1000])
@pytest.mark.parametrize("text", ["plain", 'a "b", c', "two\nlines"])
def test_a_report_is_read_alike_wherever_its_blocks_end(
    text: str, block_bytes: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = [sb(txn=f"{number}A") for number in range(9)]
    wide = [sb(DETAIL, txn=f"{number}B") for number in range(9)]
    odd = ["XX,1", sb() + ",", narrow[0].replace('"SB"', '"S"'), sb(txn="1C", custom=text)]
    lines = [SH, ch(), *narrow, *odd, *narrow, SH, ch(DETAIL), *wide, narrow[0], *wide, *SHORT]
    at_once = read(report(*lines, end=end))
    assert (at_once["lines"].height, at_once["rejects"].height) == (37, 4)
    monkeypatch.setattr(contract, "_BLOCK_BYTES", block_bytes)
    for name, frame in read(report(*lines, end=end)).items():
        assert frame.equals(at_once[name])


def test_only_pairs_of_quotes_tell_where_a_row_ends() -> None:
    fake = "\n".join(["x", sb(txn="FAKE"), ZERO_SF]).replace('"', "")  # a payer's text
    result = read(report(SH, ch(), sb(custom=fake), sb(txn="2B")))
    assert dict(result["lines"].select("line_no", "txn_id").rows()) == {3: "1A", 6: "2B"}
    result = read(report(SH, ch(), sb(), sb(txn="2B")[:-1] + "cut", sb(txn="3C"), '"SC",3'))
    assert result["lines"]["txn_id"].to_list() == ["1A"]
    why = "the quotes do not pair; 3 line(s) from here cannot be told apart"
    assert result["rejects"].select("line_no", "reason").rows() == [(4, why)]
    assert result["controls"]["name"].to_list() == ["report footer"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (report(SH, sb()), "no CH line"), (report(SH, ch(), sb(), sb()[:-1]), "inside of quotes"),
        (report(SH, ch(), sb(custom="é"), encoding="latin-1"), "cannot be read as UTF-8"),
        (report(SH, ch(NAMES[:8]), sb(NAMES[:8])), "no column Gross Transaction Amount"),
        (report(SH, ch([*NAMES, "Invoice  ID"])), "twice: invoiceid"),
        (report('"SH",soon,later,"A"', ch()), "line 1: the SH line starts with 'soon'"),
        (report(SH, ch(), sb()[:-1], SH, ch(), sb()), "line 3: the quotes do not pair"),
        (content_of(b"a,b\n"), "does not start with"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_trusted_is_refused(content: Content, message: str) -> None:
    with pytest.raises(StatementError, match=message):
        read(content)


def test_footers_of_every_currency_are_compared_with_the_rows() -> None:
    refund = sb(txn="2B", amount="1000", fee_side="CR", fee="25", **REFUND)
    yen = sb(txn="3C", currency="JPY", amount="15000", fee="4300")
    rows = [sb(txn="1A"), refund, yen, sb(txn="4D", code="T7777")]
    usd = footer("SF", "USD", 10400, 1000, 25, 450, begin=-100, end=8875)
    ends = [usd, footer("SF", "JPY", 15000, 0, 0, 4300, end=10700), '"SC",4']
    ends += [line.replace('"S', '"R') for line in ends] + ['"FF",4']
    totals = controls_of(SH, ch(), *rows, *ends)
    assert len(totals) == 2 * 2 * 5 + 3
    assert all(stated == computed for stated, computed in totals.values())
    assert totals["gross credits", "USD"] == (104, 104), "the row of an unknown code counts"
    assert totals["report ending available balance", "USD"][0] == Decimal("88.75")
    totals = controls_of(SH, ch(), *rows[1:], *ends)
    off = {key for key, (stated, computed) in totals.items() if stated != computed}
    names = ["gross credits", "fee debits", "ending available balance"]
    counts = {(name, None) for name in ("section row count", "report row count", "file row count")}
    assert off == counts | {(p + n, "USD") for p in ("", "report ") for n in names}


PART = {
    *(f"{scope}{total}" for scope in ("", "report ")
      for total in ("gross credits", "fee debits", "ending available balance")),
    *("section row count", "report row count"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "unverified"),
    [
        (ONE, {"report footer"}), ([*ONE, RF], set()), ([*ONE, SF, '"FF",1'], set()),
        ([*ONE, SF], {"report footer"}),  # cut between two sections, maybe
        (['"FH",01', *ONE, RF], {"file row count"}), ([*ONE, *SHORT], {"report footer"}),
        ([*ONE, SF, *ONE, '"FF",2'], {"section footer"}),
        ([*ONE, sb(currency="EUR"), RF], {"report gross credits", "report fee debits"}),
        ([*RH_FH, *ONE, '"FF",1'], PART),  # what another part of the report states
    ],
)  # fmt: skip
def test_what_no_footer_vouches_for_is_unverified(lines: list[str], unverified: set[str]) -> None:
    totals = controls_of(*lines)
    assert {name for (name, _), (stated, _) in totals.items() if stated is None} == unverified
    assert all(stated in (None, computed) for stated, computed in totals.values())
    assert [s for s, _ in controls_of(*ONE, '"SF","USD"', '"FF",1').values()].count(None) == 5


def test_sections_belong_to_their_accounts() -> None:
    second = [line.replace("T1", "T2").replace("01/06", "01/07") for line in (SH, ch(), sb())]
    content = report(*ONE, SF, '"SC",1', *second, OTHER_RF.replace("RF", "SF"), '"SC",2', '"FF",2')
    both = read(content)["lines"].sort("line_no").select("account", "batch_id").rows()
    assert both == [("ACCOUNT1", "20260106"), ("ACCOUNT2", "20260107")]
    result = read(content, "ACCOUNT1")
    assert result["rejects"].select("line_no", "value").rows() == [(8, "ACCOUNT2")]
    assert result["balances"].rows() == [("USD", 0, Decimal("49.75"))]
    off = result["controls"].filter(pl.col("stated") != pl.col("computed"))["name"].to_list()
    assert [name.endswith(" of ACCOUNT2") for name in off] == [True] * 4


def test_a_row_delivered_twice_has_the_same_id_twice() -> None:
    rows = [sb(custom="b"), sb(custom="a"), sb(), sb(txn="2B")]
    rows += [sb(txn="5E", code="T0200", side="DR", currency=of) for of in ("BRL", "USD")]
    for order in permutations(rows[:4]):
        lines = lines_of(*order, *rows[4:]).sort("line_id")
        ids = lines["line_id"].str.strip_prefix("paypal:ACCOUNT1:").to_list()
        assert ids[:2] == ["conversion:5E:BRL", "conversion:5E:USD"]
        assert ids[2:] == ["payment:1A"] * 3 + ["payment:2B"]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=6), st.randoms(use_true_random=False))
def test_every_row_is_a_line_or_a_reject_in_any_order(rows: list[Cells], random: Any) -> None:
    texts = [sb(**cells) for cells in rows]
    result = read(report(SH, ch(), *texts, f'"SC",{len(rows)}'))
    assert result["lines"].height + result["rejects"].height == len(rows)
    assert (len(rows), len(rows)) in result["controls"].select("stated", "computed").rows()
    random.shuffle(texts)
    again = read(report(SH, ch(), *texts))["lines"]
    before, after = (lines.drop("line_no", "file_id") for lines in (result["lines"], again))
    assert before.sort(pl.all()).equals(after.sort(pl.all()))
