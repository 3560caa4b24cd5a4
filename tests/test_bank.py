"""Bank statements in three formats: signs, totals, references, attacks; and the real samples."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, Final

import polars as pl
import pytest
from lxml import etree
from polars.testing import assert_frame_equal

from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import identify
from recon.providers.bank import PROVIDER, camt053, xml_cells, xml_entries
from recon.providers.bank.entries import one_line, payout_reference
from recon.providers.bank.xml_entries import NotPlain, cut, streamed
from recon.providers.contract import Content, ReadContext
from tests.golden import content_of


def read(data: bytes, **context: Any) -> dict[str, pl.DataFrame]:
    content = content_of(data)
    provider, description = identify(content)
    assert provider is PROVIDER
    asked = {"account": None, "time_zone": "UTC"} | context
    reading = provider.kind(description.kind).read(
        content.in_utf8(description.encoding), ReadContext(**asked)
    )
    names = ("lines", "rejects", "controls", "balances")
    return {name: getattr(reading, name).collect() for name in names}


def nets(made: dict[str, pl.DataFrame]) -> list[Decimal]:
    return made["lines"]["net"].to_list()


def ties(made: dict[str, pl.DataFrame]) -> bool:
    controls = made["controls"]
    return controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).is_empty()


# ------------------------------------------------------------------------------------------ MT940


def mt940(*entries: str, opening: str = "100,00", closing: str = "100,00") -> bytes:
    lines = [":20:S1", ":25:ACC1", ":28C:16/1", f":60F:C260115EUR{opening}", *entries,
             f":62F:C260115EUR{closing}", "-"]  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("mark", "net"), [("C", "5.5"), ("D", "-5.5"), ("RC", "-5.5"), ("RD", "5.5"), ("CR", "5.5")]
)
def test_the_mark_tells_the_sign(mark: str, net: str) -> None:
    assert nets(read(mt940(f":61:2601150115{mark}5,5NTRFNONREF"))) == [Decimal(net)]


def test_an_entry_has_its_references_and_its_whole_text() -> None:
    data = mt940(
        ":61:2601150115D12,NCHGREF1//BANK1", ":86:EREF+E2E-9", "SVWZ+thanks", closing="88,00"
    )
    line = read(data)["lines"].row(0, named=True)
    assert (line["txn_id"], line["merchant_ref"], line["kind"]) == ("BANK1", "E2E-9", "fee")
    assert line["description"] == "EREF+E2E-9 SVWZ+thanks"
    assert (line["line_no"], str(line["business_date"])) == (5, "2026-01-15")


def test_an_entry_nobody_can_read_is_rejected_and_the_balance_shows_it() -> None:
    made = read(mt940(":61:nonsense", ":61:2601150115C1,00NTRFX", closing="103,00"))
    assert nets(made) == [1]
    assert made["rejects"].select("line_no", "field", "value").rows() == [(5, "amount", "nonsense")]
    assert not ties(made)


@pytest.mark.parametrize(
    ("dates", "booked"),
    [("2601150116", "2026-01-16"), ("2512311231", "2025-12-31"), ("2512310102", "2026-01-02"),
     ("260115", "2026-01-15"), ("1602300229", "2016-02-29")],
)  # fmt: skip
def test_the_booking_date_takes_its_year_from_the_value_date(dates: str, booked: str) -> None:
    made = read(mt940(f":61:{dates}C1,00NTRFNONREF"))
    assert [str(day) for day in made["lines"]["business_date"]] == [booked]


def test_what_is_not_utf_8_is_read_as_latin_1() -> None:
    data = mt940(":61:260115C1,00NTRFNONREF", ":86:Müller").decode().encode("latin-1")
    assert read(data)["lines"]["description"].to_list() == ["Müller"]


# ------------------------------------------------------------------------------------------- CAMT

ENTRY = (
    '<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}'
    "<BookgDt><Dt>2026-01-15</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef>{more}</Ntry>"
)


def entry(amount: str, side: str = "CRDT", status: str = "<Sts>BOOK</Sts>", more: str = "") -> str:
    return ENTRY.format(amount=amount, side=side, status=status, more=more)


def camt(*entries: str, closing: str = "100.00", version: str = "08", before: str = "") -> bytes:
    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-15</Dt></Dt></Bal>"
        )

    return (
        f'<?xml version="1.0"?>\n{before}'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<Stmt><Id>S1</Id><Acct><Id><IBAN>ACC1</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance('OPBD', '100.00')}{balance('CLBD', closing)}\n"
        + "\n".join(entries)
        + "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_entries_and_balances_of_any_version(version: str) -> None:
    new, old = "<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>"
    status = new if version == "08" else old
    rows = (entry("10.00", status=status), entry("4.50", "DBIT", status))
    made = read(camt(*rows, closing="105.50", version=version))
    assert nets(made) == [10, Decimal("-4.50")]
    assert ties(made)
    assert made["balances"].rows() == [("EUR", 100, Decimal("105.50"))]


def test_what_is_pending_moves_nothing_yet() -> None:
    made = read(camt(entry("10.00", status="<Sts>PDNG</Sts>")))
    line = made["lines"].row(0, named=True)
    assert (line["status"], line["net"], line["original_amount"]) == ("pending", 0, 10)
    assert ties(made)


def _details(*amounts: str) -> str:
    parts = [
        f"<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy='EUR'>{amount}</Amt></TxDtls>"
        for n, amount in enumerate(amounts, start=1)
    ]
    return f"<NtryDtls>{''.join(parts)}</NtryDtls>"


def test_the_details_of_a_batch_are_lines_where_they_add_up() -> None:
    made = read(camt(entry("10.00", more=_details("4.00", "6.00")), closing="110.00"))
    assert made["lines"].select("merchant_ref", "net").rows() == [("E1", 4), ("E2", 6)]
    assert made["lines"]["line_id"].n_unique() == 2
    assert ties(made)
    short = read(camt(entry("10.00", more=_details("4.00", "5.00")), closing="110.00"))
    assert nets(short) == [10]


def test_an_entry_is_whole_however_few_entries_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [entry("25.00"), entry("50.00", more=_details("30.00", "20.00")), entry("25.00")]
    file = camt(*entries, closing="200.00")
    whole = read(file)
    assert whole["lines"].height == 4
    for block in (1, 2):
        monkeypatch.setattr(xml_entries, "_ENTRIES", block)
        for name, frame in read(file).items():
            assert_frame_equal(frame, whole[name])


def test_a_charge_is_told_by_the_banks_own_code() -> None:
    code = "<BkTxCd><Domn><Fmly><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    kinds = [read(camt(entry("1.00", more=code.format(name))))["lines"]["kind"][0]
             for name in ("CHRG", "INTR", "ESCT")]  # fmt: skip
    assert kinds == ["fee", "adjustment", "transfer"]


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]>\n',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">\n',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n',
    ],
)
def test_f31_a_document_type_definition_is_refused(attack: str) -> None:
    with pytest.raises(StatementError, match="DOCTYPE"):
        read(camt(entry("1.00"), before=attack))


def test_a_document_that_was_cut_is_refused_whole() -> None:
    with pytest.raises(StatementError, match="no whole XML document"):
        read(camt(entry("1.00"))[:-30])


def test_amounts_of_five_decimals_are_no_euros() -> None:
    made = read(camt(entry("1.00500")))
    assert made["rejects"]["field"].to_list() == ["currency"]


def test_entries_of_another_account_or_day_are_rejected() -> None:
    data = camt(entry("1.00"))
    assert read(data, account="ACC2")["rejects"]["field"].to_list() == ["account"]
    day = one_day(date(2026, 1, 16))
    assert read(data, business_dates=day)["rejects"]["field"].to_list() == ["date"]


# ------------------------------------------------------------------------------------------- BAI2


def bai2(total: str = "+2500", code: str = "195") -> bytes:
    return (
        "01,BANK,ME,260116,0600,1,80,1,2/\n02,ME,BANK,1,260115,,USD,/\n"
        "03,ACC1,USD,010,+1000,,/\n88,015,+500,,/\n"
        f"16,{code},250,V,260115,,REF1,OURS1,payment/\n16,475,750,S,0,750,0,,OURS2,cheque/\n"
        f"49,{total},5/\n98,{total},1,7/\n99,{total},1,9/\n"
    ).encode()


def test_the_type_code_tells_the_sign_and_amounts_are_minor_units() -> None:
    made = read(bai2())
    assert made["lines"].select("net", "txn_id", "merchant_ref").rows() == [
        (Decimal("2.50"), "REF1", "OURS1"), (Decimal("-7.50"), None, "OURS2"),
    ]  # fmt: skip
    assert ties(made)
    assert made["balances"].rows() == [("USD", 10, 5)]
    assert not ties(read(bai2(total="+2501")))
    assert read(bai2(code="900"))["rejects"]["unmapped"].to_list() == [True]


@pytest.mark.parametrize(
    ("whole", "cut", "said"),
    [
        (b"99,+2500,1,9/\n", b"", "it ends before its trailer"),
        (b"98,+2500,1,7/\n", b"", "record 99 states 1 groups of 2500, there are 0 of 0"),
        (b"99,+2500,1", b"99,+5000,2", "record 99 states 2 groups of 5000, there are 1 of 2500"),
        (b"98,+2500,1", b"98,+2500,2", "record 98 states 2 accounts of 2500, there are 1 of 2500"),
        (b"99,+2500,1", b"99,x,1", "record 99 states 1 groups of None"),
    ],
)
def test_a_file_that_lacks_what_its_trailers_count_is_cut(
    whole: bytes, cut: bytes, said: str
) -> None:
    data = bai2()
    assert whole in data
    with pytest.raises(StatementError, match=said):
        read(data.replace(whole, cut))


# --------------------------------------------------------------------------------------- all three


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/RFB/TX2342222277ABCDXT batch 4, Shop", "TX2342222277ABCDXT"),
        ("TX23422 22277ABCDXT", "TX2342222277ABCDXT"),  # wrapped by the bank
        ("STRIPE po_1JWACCIAvIfYzcrW", "po_1JWACCIAvIfYzcrW"),
        ("rent for November", None),
    ],
)
def test_a_payout_is_known_by_the_reference_in_its_text(text: str, found: str | None) -> None:
    assert pl.select(payout_reference(pl.lit(text))).item() == found


def test_what_may_be_in_a_document_does_not_change_what_is_read() -> None:
    """The usual document is cut up as text; what is not plain is streamed, and read the same."""
    detail = (
        "<NtryDtls><TxDtls><Amt Ccy='USD'>7.00</Amt><Refs><EndToEndId>E1</EndToEndId></Refs>"
        "<RmtInf><Ustrd> rent </Ustrd><Ustrd>of May</Ustrd></RmtInf></TxDtls></NtryDtls>"
    )
    inside = "<NtryDtls><Btch><NbOfTxs>1</NbOfTxs></Btch></NtryDtls>"
    plain = camt(
        entry("1.00", more="<AddtlNtryInf>what is &lt;b&gt; > a</AddtlNtryInf>"),
        entry("2.00", more=detail),
        entry("3.00", status="<Sts>BOOK</Sts>", more="<AddtlNtryInf/>"),
        entry("4.00", more=f"{inside}<AddtlNtryInf>two\nlines</AddtlNtryInf>"),
        entry("5.00", more="<AddtlNtryInf>a&amp;b &#228;\né</AddtlNtryInf>"),
        entry("6.00", more=_details("4.00", "2.00")),
        entry("7.00", status="<Sts>\n <Cd> PDNG </Cd>\n</Sts>"),
        "</Stmt><Stmt><Id>S2</Id><Acct><Id><IBAN>ACC2</IBAN></Id><Ccy>EUR</Ccy></Acct>",
        entry("8.00", more="<AddtlNtryInf>the last</AddtlNtryInf>"),
    )
    whole = _entries_of(cut, plain)
    assert whole.height == 9
    assert whole["text"].to_list()[:2] == ["what is <b> > a", "rent of May"]
    assert whole["text"].to_list()[4] == "a&b ä\né"
    assert_frame_equal(_entries_of(streamed, plain), whole)
    for name, change in (_NOT_PLAIN | _AS_PLAIN).items():
        changed = change(plain)
        assert changed != plain, name
        assert_frame_equal(camt053._file(content_of(changed)).entries, whole)
        assert _can_be_cut(changed) == (name in _AS_PLAIN), name


def _can_be_cut(data: bytes) -> bool:
    try:
        return _entries_of(cut, data).height > 0
    except (NotPlain, etree.XMLSyntaxError):
        return False


def _entries_of(way: Callable[[Content], Iterator[Any]], data: bytes) -> pl.DataFrame:
    content = content_of(data)
    return camt053._read(content, way(content)).entries


def _swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new)


_NOT_PLAIN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "a comment": _swap(b"<Amt", b"<!-- <Amt>9</Amt> --><Amt"),
    "an end in a comment": _swap(b"</Ntry>", b"<!-- </Ntry> --></Ntry>"),
    "an entry in a comment": _swap(b"<Bal>", b"<!-- <Ntry><Amt>9</Amt></Ntry> --><Bal>"),
    "CDATA": _swap(b">the last<", b"><![CDATA[the last]]><"),
    "an instruction": _swap(b"<Amt", b"<?ours?><Amt"),
    "an instruction with a > in it": _swap(b"<Amt", b"<?ours 1 > 0?><Amt"),
    "another encoding": lambda data: (
        data.decode().replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1")
    ),
    "a tag with a > in it": _swap(b'<Ntry><Amt Ccy="EUR">8', b'<Ntry x="a>b"><Amt Ccy="EUR">8'),
    "ends with blanks": _swap(b"</Ntry>", b"</Ntry >"),
    "statements that end with blanks": _swap(b"</Stmt>", b"</Stmt >"),
    "something between": _swap(b'<Ntry><Amt Ccy="EUR">4', b'<Bal/><Ntry><Amt Ccy="EUR">4'),
}
_AS_PLAIN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "prefixes": lambda data: re.sub(rb"<(/?)(?=[A-Z])", rb"<\1ns2:", data).replace(
        b" xmlns=", b" xmlns:ns2="
    ),
    "no namespace": lambda data: re.sub(rb" xmlns=\"[^\"]*\"", b"", data),
    "a mark in front": lambda data: b"\xef\xbb\xbf" + data,
    "ends of lines": _swap(b"\n", b"\r\n"),
    "a namespace of its own": _swap(b"<Ntry>", b'<Ntry xmlns:a="urn:a" a:b="1">'),
}


@pytest.mark.parametrize(("size", "entries"), [(10_000_000, 10_000), (3000, 4)])
def test_the_cells_of_any_entry_are_what_a_search_for_each_finds(
    size: int, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_entries, "_BYTES", size)
    monkeypatch.setattr(xml_entries, "_ENTRIES", entries)
    data = camt(*(_any_entry(Random(seed)) for seed in range(150)))
    wanted = []
    for entry_ in etree.fromstring(data).iter("{*}Ntry"):
        details = entry_.findall("{*}NtryDtls/{*}TxDtls")
        of_entry = _searched(entry_, xml_cells._OF_ENTRY)
        for place, detail in enumerate(details or [None], start=min(len(details), 1)):
            of_detail = _searched(detail, xml_cells._OF_DETAIL)
            wanted.append((place, len(details), *of_entry, *of_detail))
    for way in (cut, streamed):
        cells = xml_cells.Cells(lambda frame: frame)
        for part in way(content_of(data)):
            if isinstance(part, xml_entries.Entries):
                cells.take(part)
        found = cells.frame().select("place", "detail_count", *xml_cells.CELLS)
        # A blank more, or a line end for a blank, is none in a remittance text.
        assert found.with_columns(words=one_line(pl.col("words"))).rows() == wanted


def _any_entry(random: Random) -> str:
    """An entry with some of what there is, in any order, twice at times."""

    def some(paths: Iterable[str]) -> str:
        made = []
        for path in paths:
            for _ in range(random.choice((0, 1, 1, 1, 2))):
                steps = path.removesuffix("/@Ccy").split("/")
                currency = random.choice(("", ' Ccy="EUR"', " Ccy='USD'"))
                text = random.choice(
                    ("", "a", " b ", "c &lt; d", "<Cd>e</Cd>", "f<Cd/>\n<Cd>g</Cd>")
                )
                opened = "".join(f"<{step}>" for step in steps[:-1])
                closed = "".join(f"</{step}>" for step in reversed(steps[:-1]))
                made.append(f"{opened}<{steps[-1]}{currency}>{text}</{steps[-1]}>{closed}")
        random.shuffle(made)
        return "".join(made)

    details = [
        f"<TxDtls>{some(xml_cells._OF_DETAIL.values())}</TxDtls>"
        for _ in range(random.choice((0, 1, 1, 2, 3)))
    ]
    both = [some(xml_cells._OF_ENTRY.values()), f"<NtryDtls>{''.join(details)}</NtryDtls>"]
    return f"<Ntry>{''.join(random.sample(both, 2))}</Ntry>"


def _searched(element: Any, paths: Mapping[str, str]) -> list[str]:
    found = []
    for name, path in paths.items():
        path, _, attribute = path.partition("/@")
        steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
        nodes = [] if element is None else element.findall(steps)
        texts = ["".join(node.itertext()) for node in nodes]
        if attribute:
            texts = [node.get(attribute) for node in nodes if node.get(attribute)]
        words = " ".join(" ".join(texts).split())
        found.append(words if name == "words" else texts[0] if texts else "")
    return found


@pytest.mark.parametrize("held", [1, 2, 7, 64, 300, 1000])
def test_entries_are_cut_where_they_end_however_little_is_held(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = entry("25.00", status="<Sts><Cd>PDNG</Cd></Sts>")
    file = camt(pending, entry("50.00", more=_details("30.00", "20.00")), "", pending)
    whole = _entries_of(cut, file)
    assert whole["line_no"].to_list() == [3, 4, 4, 6]
    assert whole["status"].to_list() == ["pending", "succeeded", "succeeded", "pending"]
    monkeypatch.setattr(xml_entries, "_BYTES", held)
    assert_frame_equal(_entries_of(cut, file), whole)
