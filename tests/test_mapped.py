"""Sources without code: what mappings make of text, and of exports that banks really send."""

import json
import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from pydantic import ValidationError

from recon.errors import StatementError
from recon.io.config import load_config
from recon.io.mapped_settings import StatementSettings, described_provider
from recon.io.places import Delivered, places, unplaced
from recon.periods import cut_off_of, one_day
from recon.providers import all_providers, identify
from recon.providers.contract import Place, Provider, ReadContext
from tests.golden import ROOT, content_of
from tests.support import copy_place
from tests.tools import shared_samples

EXPORTS = "bank/csv"  # of real banks, in the shared samples

PLAIN = """
name = "export"
title = "export"
time_zone = "UTC"
date_column = "date"
date_format = "%Y-%m-%d"
currency_column = "currency"
[columns]
txn_id = "id"
[amount]
column = "amount"
[[kind]]
kind = "payment"
column = "type"
words = ["sale"]
[[kind]]
kind = "refund"
column = "type"
words = ["back", "return"]
"""


def provider(settings: str, **changes: Any) -> Provider:
    facts = tomllib.loads(settings) | changes
    return described_provider("house", None, [StatementSettings.model_validate(facts)])


def read(data: bytes | str, made: Provider) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    content = content_of(data.encode() if isinstance(data, str) else data)
    (kind,) = made.kinds
    description = kind.describe(content)
    assert description is not None, "not known by its content"
    whose = "1" if description.account is None else None
    reading = kind.read(content.in_utf8(description.encoding), ReadContext(whose, kind.time_zone))
    return tuple(pl.collect_all([reading.lines, reading.rejects, reading.controls]))  # type: ignore[return-value]


def told(data: bytes | str, made: Provider) -> list[str]:
    lines, rejects, _ = read(data, made)
    said = [
        f"{number} {kind} {txn_id} {currency} {gross.normalize():f}"
        for number, kind, txn_id, currency, gross in lines.select(
            "line_no", "kind", "txn_id", "currency", "gross"
        ).iter_rows()
    ]
    said += [
        f"{number} {field}={value}: {reason}"
        for number, field, value, reason in rejects.select(
            "line_no", "field", "value", "reason"
        ).iter_rows()
    ]
    return sorted(said, key=lambda text: int(text.split()[0]))


def test_rows_become_lines_or_rejects_with_their_line_number() -> None:
    text = (
        "type,id,date,currency,amount\n"
        "sale,1,2026-11-20,EUR,10.00\n"
        "return,2,2026-11-20,EUR,-4.00\n"
        "gift,3,2026-11-20,EUR,1.00\n"
        "sale,4,20.11.2026,EUR,1.00\n"
        "sale,5,2026-11-20,XXX,1.00\n"
        "sale,6,2026-11-20,JPY,1.50\n"
        "sale,7,2026-11-20,EUR\n"
        "\n"
        'sale,8,2026-11-20,EUR,"1,000.00"\n'
    )
    assert told(text, provider(PLAIN)) == [
        "2 payment 1 EUR 10",
        "3 refund 2 EUR -4",
        "4 type=gift: no rule of the configuration names this kind of row",
        "5 date=20.11.2026: not a date like %Y-%m-%d",
        "6 currency=XXX: not a currency code we know",
        "7 amount=1.50: not an amount of this currency",
        "8 row=None: too few or too many cells",
        "10 amount=1,000.00: not an amount of this currency",
    ]


@pytest.mark.parametrize(
    ("amount", "numbers", "cells", "gross"),
    [
        ({"column": "a"}, {}, {"a": "-1.50"}, "-1.5"),
        ({"column": "a"}, {"thousands": ","}, {"a": "1,234.50"}, "1234.5"),
        ({"column": "a"}, {"decimal": ",", "thousands": "."}, {"a": "-1.234,50"}, "-1234.5"),
        ({"column": "a"}, {"ignore": ["€", "EUR"]}, {"a": "€ 5.00 EUR"}, "5"),
        ({"income": "i", "expense": "o"}, {"blank": ["-"]}, {"i": "-", "o": "7.00"}, "-7"),
        ({"income": "i", "expense": "o"}, {}, {"i": "7.00", "o": ""}, "7"),
        (
            {"column": "a", "direction": "d", "incoming": ["C"], "outgoing": ["D"]},
            {},
            {"a": "3.00", "d": "D"},
            "-3",
        ),
    ],
)
def test_amounts_as_sources_write_them(
    amount: dict[str, Any], numbers: dict[str, Any], cells: dict[str, str], gross: str
) -> None:
    text = ";".join(["type", "id", "date", "currency", *cells])
    text += "\n" + ";".join(["sale", "1", "2026-11-20", "EUR", *cells.values()]) + "\n"
    made = provider(PLAIN, amount=amount, numbers=numbers, separator=";")
    assert told(text, made) == [f"2 payment 1 EUR {gross}"]


def test_a_direction_nobody_has_named_is_a_reject() -> None:
    amount = {"column": "amount", "direction": "d", "incoming": ["C"], "outgoing": ["D"]}
    text = "type,id,date,currency,amount,d\nsale,1,2026-11-20,EUR,3.00,X\n"
    assert told(text, provider(PLAIN, amount=amount)) == [
        "2 amount, d=3.00 | X: not an amount of this currency"
    ]


TABLE = [
    ["type", "id", "date", "currency", "amount"],
    ["sale", "1", "2026-11-20", "EUR", "10.05"],
    ["back", "2", "2026-11-20", "EUR", "-0.1"],
]
READ = ["2 payment 1 EUR 10.05", "3 refund 2 EUR -0.1"]


def test_a_workbook() -> None:
    book = Workbook()
    sheet = book.active
    for row in TABLE:
        sheet.append([float(cell) if "." in cell else cell for cell in row])
    data = BytesIO()
    book.save(data)
    made = provider(PLAIN, format="xlsx")
    assert told(data.getvalue(), made) == READ
    assert made.kinds[0].describe(content_of(b"PK not really")) is None


def test_json_with_nested_objects() -> None:
    rows = [
        {"type": kind, "id": name, "date": day, "money": {"currency": code, "amount": "?"}}
        for kind, name, day, code, _ in TABLE[1:]
    ]
    text = json.dumps({"data": {"items": rows}})
    for row in TABLE[1:]:  # numbers are read as they are written, not as binary ones
        text = text.replace('"?"', row[4], 1)
    made = provider(
        PLAIN, format="json", records="data.items",
        currency_column="money.currency", amount={"column": "money.amount"},
    )  # fmt: skip
    assert told(text, made) == READ
    assert made.kinds[0].describe(content_of(b'{"data": 1}')) is None


def test_columns_of_fixed_width() -> None:
    text = "".join(
        f"{kind:6}{name:4}{day:12}{code:4}{amount:>10}\n"
        for kind, name, day, code, amount in TABLE[1:]
    )
    widths = {"type": 6, "id": 4, "date": 12, "currency": 4, "amount": 10}
    assert told(text, provider(PLAIN, format="fixed_width", widths=widths)) == READ


def test_what_a_file_states_about_itself_is_checked() -> None:
    text = (
        "account 77, opening 5.00\n"
        "type,id,date,currency,amount\n"
        "sale,1,2026-11-20,EUR,10.00\n"
        "Total 1 rows 9.00\n"
    )
    made = provider(
        PLAIN,
        footer="Total",
        account_pattern=r"account (\d+)",
        total=[
            {"name": "rows", "of": "count", "pattern": r"Total (\d+) rows"},
            {"name": "sum", "of": "gross", "pattern": r"rows ([\d.]+)"},
        ],
    )
    description = made.kinds[0].describe(content_of(text.encode()))
    assert description is not None
    assert description.account == "77"
    controls = read(text, made)[2]
    assert controls.select("name", "stated", "computed").rows() == [
        ("rows", Decimal(1), Decimal(1)),
        ("sum", Decimal(9), Decimal(10)),
    ]


SEVERAL = (
    "Turnover of 2026-11-20\n"
    "who,type,id,date,currency,amount\n"
    "A,sale,1,2026-11-20,EUR,10.00\n"
    "B,sale,1,2026-11-20,EUR,20.00\n"
    "A,sale,2,2026-11-19,EUR,5.00\n"
    "C,sale,3,2026-11-20,EUR,7.00\n"
    ",sale,4,2026-11-20,EUR,1.00\n"
    "TOTAL 43.00\n"
)


def test_one_file_of_several_accounts_is_read_for_each_of_them() -> None:
    made = provider(
        PLAIN,
        account_column="who",
        date_pattern=r"of (\d{4}-\d\d-\d\d)",
        footer="TOTAL",
        total=[{"name": "total", "pattern": r"TOTAL (.+)", "of": "gross"}],
    )
    (kind,), content = made.kinds, content_of(SEVERAL.encode())
    description = kind.describe(content)
    assert description is not None
    assert description.account == "A"  # of the first row, as of other files of several
    assert kind.places is not None
    day = date(2026, 11, 20)
    found = kind.places(content, ReadContext(None, "UTC"))
    assert found == {Place(account, day) for account in "ABC"}

    def told_of(account: str) -> tuple[list[str], list[str]]:
        ours = frozenset(Place(one, day) for one in "AB" if one != account)
        reading = kind.read(content, ReadContext(account, "UTC", one_day(day), ours))
        lines, rejects, controls = pl.collect_all(
            [reading.lines, reading.rejects, reading.controls]
        )
        assert controls.select("stated", "computed").rows() == [(Decimal(43), Decimal(43))]
        reasons = [f"{number}: {why}" for number, why in rejects["line_no", "reason"].iter_rows()]
        return lines["line_id"].to_list(), reasons

    assert told_of("A") == (
        ["house:A:payment:1"],
        ["5: not dated 2026-11-20", "6: not account A", "7: empty"],
    )
    assert told_of("B") == (
        ["house:B:payment:1"],
        ["5: not account B", "6: not account B", "7: empty"],
    )


@pytest.mark.parametrize(
    ("zone", "cut_off", "days"),
    [
        ("UTC", "24:00", ["2026-11-20", "2026-11-20", "2026-11-20", "2026-11-21"]),
        ("UTC", "17:00", ["2026-11-20", "2026-11-20", "2026-11-21", "2026-11-21"]),
        ("UTC", "28:00", ["2026-11-19", "2026-11-20", "2026-11-20", "2026-11-20"]),
        ("Asia/Shanghai", "24:00", ["2026-11-20", "2026-11-21", "2026-11-21", "2026-11-21"]),
        ("Asia/Shanghai", "25:00", ["2026-11-20", "2026-11-20", "2026-11-21", "2026-11-21"]),
        ("America/New_York", "24:00", ["2026-11-19", "2026-11-20", "2026-11-20", "2026-11-20"]),
    ],
)
def test_times_are_told_in_one_zone_and_days_counted_in_another_up_to_a_cut_off(
    zone: str, cut_off: str, days: list[str]
) -> None:
    moments = ["2026-11-20 03:59:59", "2026-11-20 16:59:59", "2026-11-20 17:00:00",
               "2026-11-21 03:00:00"]  # fmt: skip
    rows = [f"sale,{number},{moment},EUR,1.00" for number, moment in enumerate(moments)]
    made = provider(PLAIN, date_format="%Y-%m-%d %H:%M:%S")
    (kind,) = made.kinds
    content = content_of("\n".join(["type,id,date,currency,amount", *rows, ""]).encode())
    context = ReadContext("1", zone, cut_off=cut_off_of(cut_off))
    lines = kind.read(content, context).lines.collect()
    assert [str(day) for day in lines["business_date"]] == days
    assert lines["occurred_at"][0] == datetime(2026, 11, 20, 3, 59, 59, tzinfo=UTC)
    of_day = replace(context, business_dates=one_day(date(2026, 11, 20)))
    kept = kind.read(content, of_day).lines.collect()
    assert kept.height == days.count("2026-11-20")


@pytest.mark.parametrize("text", ["00:00", "48:00", "5:00", "17", "17:60", "noon"])
def test_a_cut_off_is_a_time_of_the_day_or_of_the_morning_after(text: str) -> None:
    with pytest.raises(ValueError, match="no time at which a day ends"):
        cut_off_of(text)


def test_columns_may_be_named_as_ours_are() -> None:
    text = "kind,id,business_date,currency,amount,status\n"
    text += (
        "sale,1,2026-11-20,EUR,1.0,ok\nsale,2,20.11.2026,EUR,1.0,ok\nsale,3,2026-11-20,EUR,1.0,?\n"
    )
    made = provider(
        PLAIN,
        date_column="business_date",
        kind=[{"kind": "payment", "column": "kind", "words": ["sale"]}],
        columns={"txn_id": "id", "status": "status"},
        statuses={"ok": "succeeded"},
        description=["amount", "status"],
    )
    assert told(text, made) == [
        "2 payment 1 EUR 1",
        "3 business_date=20.11.2026: not a date like %Y-%m-%d",
        "4 status=?: no such status in the configuration",
    ]
    lines, _, _ = read(text, made)
    assert lines["description"].to_list() == ["1.0 ok"]


def test_a_row_without_a_number_is_named_by_all_but_its_account() -> None:
    text = SEVERAL.replace("id,", "").replace("sale,1", "sale").splitlines()[1:4]
    made = provider(PLAIN, account_column="who", columns={})
    lines, _, _ = read("\n".join(text) + "\n", made)
    assert lines["line_id"].to_list() == [
        "house:A:payment:2026-11-20|EUR|10.00|sale",
        "house:B:payment:2026-11-20|EUR|20.00|sale",
    ]


def test_a_file_that_states_nothing_is_unverified() -> None:
    controls = read("type,id,date,currency,amount\nsale,1,2026-11-20,EUR,1.00\n", provider(PLAIN))[
        2
    ]
    assert controls.select("stated", "computed").rows() == [(None, Decimal(1))]


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00\x01"), max_size=8)


@given(rows=st.lists(st.tuples(_CELL, _CELL, st.decimals(-(10**6), 10**6, places=2)), max_size=8))
def test_whatever_the_cells_hold_every_row_is_a_line_or_a_reject(
    rows: list[tuple[str, str, Decimal]],
) -> None:
    import csv
    from io import StringIO

    target = StringIO()
    writer = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["type", "id", "date", "currency", "amount"])
    for kind, name, amount in rows:
        writer.writerow([kind, name, "2026-11-20", "EUR", f"{amount:f}"])
    lines, rejects, _ = read(target.getvalue(), provider(PLAIN))
    assert lines.height + rejects.height == len(rows)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": {"column": "a", "income": "b"}}, "either column, or both"),
        ({"amount": {"column": "a", "direction": "d"}}, "incoming and outgoing"),
        ({"currency_column": None}, "name the currency"),
        ({"numbers": {"decimal": ",", "thousands": ","}}, "the same character"),
        ({"encoding": "utf-9"}, "encoding 'utf-9' is not known"),
        ({"format": "fixed_width"}, "needs widths"),
        ({"account_pattern": "no group"}, "one group in brackets"),
        ({"date_format": "%Y"}, "is not a date format"),
        ({"statuses": {"ok": "succeeded"}}, "belong together"),
        ({"account_column": "who", "account_pattern": "No. (.+)"}, "either account_column or"),
        (
            {"account_column": "who", "total": [{"name": "t", "pattern": "(.)", "of": "closing"}]},
            "nobody's balance",
        ),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        provider(PLAIN, **changes)


# ------------------------------------------------------------------------------ what banks send

CMB = """
name = "export"
title = "招商银行"
time_zone = "Asia/Shanghai"
date_column = "记账日期"
date_format = "%Y-%m-%d"
currency = "CNY"
description = ["交易摘要", "对手信息"]
[numbers]
thousands = ","
[amount]
column = "交易金额"
balance = "联机余额"
[[kind]]
kind = "transfer"
"""

ICBC = """
name = "export"
title = "工商银行"
time_zone = "Asia/Shanghai"
footer = "人民币合计"
trailing_separator = true
date_column = "交易日期"
date_format = "%Y-%m-%d"
currency_column = "记账币种"
currency_codes = { "人民币" = "CNY" }
description = ["摘要", "对方户名"]
account_pattern = '卡号: ([\\d*]+)'
[numbers]
thousands = ","
[amount]
income = "记账金额(收入)"
expense = "记账金额(支出)"
[[kind]]
kind = "refund"
column = "摘要"
words = ["退款"]
[[kind]]
kind = "transfer"
[[total]]
name = "人民币合计 收入"
of = "income"
pattern = '^人民币合计,+"([\\d,.]+)'
[[total]]
name = "人民币合计 支出"
of = "expense"
pattern = '^人民币合计,+"[\\d,.]+\\s*","([\\d,.]+)'
"""


def test_the_export_of_a_bank_with_thousands_in_quotes() -> None:
    lines, rejects, _ = read(shared_samples(f"{EXPORTS}/deg_cmb.csv").read_bytes(), provider(CMB))
    assert rejects.height == 0
    assert [f"{gross:.2f}" for gross in lines["gross"]] == [
        "1234.00", "-1000.00", "-3.00", "-1000.00", "-10.14",
    ]  # fmt: skip
    assert lines["description"][2] == "一网通支付 国网电力有限公司99999999999999"


def test_the_export_of_a_bank_with_preamble_tabs_and_two_amount_columns() -> None:
    made = provider(ICBC)
    data = shared_samples(f"{EXPORTS}/deg_icbc.csv").read_bytes()
    description = made.kinds[0].describe(content_of(data))
    assert description is not None
    assert description.account == "1234****9876"
    lines, rejects, controls = read(data, made)
    assert rejects.height == 0
    assert lines.height == 11
    assert lines["line_no"].to_list() == list(range(8, 19))
    assert lines.filter(kind="refund")["gross"].to_list() == [Decimal("1.04")]
    # The amounts of this sample were made up, so its own totals do not tie; they are read.
    assert controls["stated"].to_list() == [Decimal("1234.56"), Decimal("9876.54")]


def test_a_provider_with_code_needs_no_description(tmp_path: Path) -> None:
    copy_place(tmp_path, "bank")
    path = tmp_path / "configs" / "providers" / "bank.toml"
    described = (ROOT / "configs" / "providers" / "acquirer.toml").read_text("utf-8")
    statement = described[described.index("[[statement]]") :]
    path.write_text(path.read_text("utf-8") + "\n" + statement, "utf-8")
    with pytest.raises(Exception, match="bank is read by its own code"):
        load_config(tmp_path / "configs")
    assert "acquirer" not in all_providers()


@pytest.mark.parametrize(
    ("header", "encoding", "said"),
    [
        ("date,id,type,amount,currency", "gb18030", None),  # plain letters are the same bytes
        ("date,id,type,amount,currency,备注", "gb18030", "its text is gb18030, not utf-8"),
        ("date,id,type,amount,currency", "utf-16", None),  # told by its mark, and read
        ("date;id;type;amount;currency", "utf-8", "its separator is ';', not ','"),
        ("date,id,type,amount", "utf-8", "its header lacks currency"),
        ("date,id,type,amount,currency,amount", "utf-8", "its header has amount twice"),
        ("date,other", "utf-8", "recon providers new describes another"),
    ],
)
def test_a_file_that_is_nearly_of_a_kind_is_told_what_differs(
    header: str, encoding: str, said: str | None
) -> None:
    made = {"house": provider(PLAIN)}
    content = content_of(f"{header}\n2026-11-20\n".encode(encoding))
    if said is None:
        assert identify(content, made)[1].kind == "export"
        return
    with pytest.raises(StatementError, match=re.escape(said)):
        identify(content, made)


def test_a_file_none_of_whose_rows_is_understood_is_told_why() -> None:
    made = provider(PLAIN)
    content = content_of(b"date,id,type,amount,currency\n2026-11-20,T1,sale,1e3,EUR\n")
    description = made.kinds[0].describe(content)
    assert description is not None
    delivered = Delivered(content, made, description, ("H1",), {})
    assert places(delivered) == []
    assert "the first: line 2, amount '1e3': not an amount" in str(unplaced(delivered))


def test_a_column_that_is_there_twice_is_read_where_both_are_named() -> None:
    row = "date,id,type,amount,currency,amount\n2026-11-20,T1,sale,5.00,EUR,7.00\n"
    both = PLAIN.replace('currency_column = "currency"',
                         'currency_column = "currency"\ndescription = ["amount#2"]')  # fmt: skip
    lines, _, _ = read(row, provider(both))
    assert lines["gross"].to_list() == [Decimal("5.00")]
