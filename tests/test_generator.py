"""The generator's own arithmetic, checked without it: text, `csv` and `decimal` only."""

import csv
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

import polars as pl
import pytest

from recon.boundary import check
from recon.tables import DISCREPANCY_TYPES
from tests import generator
from tests.generator import ACCOUNT, OF_FILES, PLANTABLE, DaySpec, GeneratedDay, generate_day
from tests.generator import __main__ as command
from tests.generator.reading import bill_rows, normalized, report_rows
from tests.generator.samples import FOLDER, sample_files
from tests.generator.sources import DAYS
from tests.generator.three_days import sample_days

PROVIDERS = sorted(ACCOUNT)
FRIDAY = date(2026, 11, 20)
CENT = Decimal("0.01")

# Lines and entries there are of a planted movement.
SIDES = {
    "missing_in_ledger": (1, 0),
    "missing_in_provider": (0, 1),
    "amount_mismatch": (1, 1),
    "currency_mismatch": (1, 1),
    "status_mismatch": (1, 1),
    "direction_mismatch": (1, 1),
    "date_mismatch": (1, 1),
    "reference_mismatch": (1, 1),
    "duplicate_in_provider": (2, 1),
    "duplicate_in_ledger": (1, 2),
    "ambiguous_match": (2, 2),
    "fee_variance": (1, 1),
    "unmapped_row": (0, 0),  # the line is a reject
    "validation_failed": (0, 0),
    "refund_unlinked": (1, 0),
    "chargeback_unrecorded": (1, 0),
    "reserve_unexplained": (1, 0),
    "split_incomplete": (2, 1),
    "withdrawal_charge_variance": (1, 1),
}
# Those known by the order they belong to, which is another movement.
OF_AN_ORDER = ("over_refund", "fx_variance")


def spec_of(provider: str, **changes: object) -> DaySpec:
    """A day with three of every movement that can be planted, and nothing done to its files."""
    plants = {name: 3 for name in PLANTABLE[provider] if name not in OF_FILES}
    plain = DaySpec(
        provider=provider,
        account=ACCOUNT[provider],
        business_date=FRIDAY,
        rows=200,
        plants=plants,
        carry_in=3,
        carry_out=5,
        line_window_days=2,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@cache
def full_day(provider: str) -> GeneratedDay:
    return generate_day(spec_of(provider))


def file_named(day: GeneratedDay, part: str) -> bytes:
    return next(data for name, data in day.files.items() if part in name)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_equal_specs_give_equal_bytes_and_another_seed_gives_others(provider: str) -> None:
    one, again = full_day(provider), generate_day(spec_of(provider))
    other = generate_day(spec_of(provider, seed=2))
    assert one.files == again.files
    assert one.ledger.equals(again.ledger)
    assert one.labels.equals(again.labels)
    assert one.files != other.files


def test_the_trade_bill_adds_up_to_its_summary() -> None:
    rows, summary = bill_rows(file_named(full_day("wechatpay"), "trade_all"))
    columns = {
        "应结订单总金额": "应结订单金额",
        "退款总金额": "退款金额",
        "充值券退款总金额": "充值券退款金额",
        "手续费总金额": "手续费",
        "订单总金额": "订单金额",
        "申请退款总金额": "申请退款金额",
    }
    assert int(summary["总交易单数"]) == len(rows) == 200
    for total, column in columns.items():
        assert Decimal(summary[total]) == sum(Decimal(row[column]) for row in rows), total
    for row in rows:
        coupon = Decimal(row["代金券金额"])
        assert Decimal(row["订单金额"]) == Decimal(row["应结订单金额"]) + coupon


def test_every_fee_of_the_trade_bill_is_its_rate_half_up_but_for_the_planted_ones() -> None:
    day = full_day("wechatpay")
    rows, _ = bill_rows(file_named(day, "trade_all"))
    varying = {row["txn_id"]: row for row in day.labels.filter(type="fee_variance").to_dicts()}
    seen = 0
    for row in rows:
        base = Decimal(row["应结订单金额"]) - Decimal(row["退款金额"])
        tariff = Decimal("0.0038") if row["交易类型"] == "MICROPAY" else Decimal("0.006")
        expected = (base * tariff).quantize(CENT, ROUND_HALF_UP)
        label = varying.get(row["微信订单号"])
        planted = label["difference"] if label else 0
        assert Decimal(row["手续费"]) - expected == planted, row
        seen += bool(label)
        if not label:
            assert Decimal(row["费率"].rstrip("%")) / 100 == tariff
    assert seen == 3


def test_the_fund_flow_runs_from_opening_to_closing_and_agrees_with_the_trade_bill() -> None:
    day = generate_day(spec_of("wechatpay", plants={"duplicate_in_provider": 1, "fee_variance": 2}))
    flow, summary = bill_rows(file_named(day, "fund_flow"))
    trades, _ = bill_rows(file_named(day, "trade_all"))
    balance = day.spec.opening["CNY"]
    sums: Counter[str] = Counter()
    for row in flow:
        amount = Decimal(row["收支金额(元)"]) * (1 if row["收支类型"] == "收入" else -1)
        balance += amount
        sums[row["业务类型"]] += amount  # type: ignore[assignment]
        assert Decimal(row["账户结余(元)"]) == balance
    assert balance == day.closing_balances["CNY"]
    assert sums["交易"] == sum(Decimal(row["应结订单金额"]) for row in trades)
    assert sums["退款"] == -sum(Decimal(row["退款金额"]) for row in trades)
    fees = sums["扣除交易手续费"] + sums["退还交易手续费"]
    assert fees == -sum(Decimal(row["手续费"]) for row in trades)
    income = [row for row in flow if row["收支类型"] == "收入"]
    spending = [row for row in flow if row["收支类型"] == "支出"]
    for word, part in (("收入", income), ("支出", spending)):
        assert int(summary[f"{word}笔数"]) == len(part)
        assert Decimal(summary[f"{word}金额"]) == sum(Decimal(r["收支金额(元)"]) for r in part)
    assert len({row["资金流水单号"] for row in flow}) == len(flow) == int(summary["资金流水总笔数"])
    assert [row["业务凭证号"] for row in flow if row["业务类型"] == "提现"] == ["WD2026112001"]


def test_the_settlement_report_adds_up_to_its_footers_and_balances() -> None:
    day = full_day("paypal")
    records = list(report_rows(file_named(day, "STL")))
    names = next(record for record in records if record[0] == "CH")
    rows = [dict(zip(names, row, strict=True)) for row in records if row[0] == "SB"]
    footers = {record[1]: record for record in records if record[0] == "SF"}
    assert [r[1:] for r in records if r[0] == "RF"] == [f[1:] for f in footers.values()]
    assert [record[1] for record in records if record[0] in ("SC", "RC", "FF")] == ["200"] * 3
    for currency, footer in footers.items():
        own = [row for row in rows if row["Gross Transaction Currency"] == currency]
        sums: Counter[str] = Counter()
        for row in own:
            sums[row["Transaction Debit or Credit"]] += int(row["Gross Transaction Amount"])
            if row["Fee Amount"]:
                sums[f"fee {row['Fee Debit or Credit']}"] += int(row["Fee Amount"])
                assert row["Fee Currency"] == currency
        credits_, debits, fee_credits, fee_debits = map(int, footer[2:6])
        assert (credits_, debits) == (sums["CR"], sums["DR"])
        assert (fee_credits, fee_debits) == (sums["fee CR"], sums["fee DR"])
        begin, end = int(footer[7]), int(footer[9])
        assert begin + credits_ - debits + fee_credits - fee_debits == end
        assert Decimal(begin) / 100 == day.spec.opening[currency]
        assert Decimal(end) / 100 == day.closing_balances[currency]
        assert int(footer[-1]) == len(own)
        if currency == "JPY":
            assert all(int(row["Gross Transaction Amount"]) % 100 == 0 for row in own)


def test_paypal_charges_what_the_tariff_says_but_for_the_planted_ones() -> None:
    day = full_day("paypal")
    lines, _, _ = normalized(day)
    planted = day.labels.filter(
        pl.col("type").is_in(["fee_variance", "withdrawal_charge_variance"])
    )
    planted_by_id = dict(planted.select("txn_id", "difference").iter_rows())
    tariffs = {"USD": ("0.0349", "0.49"), "EUR": ("0.0399", "0.39"), "JPY": ("0.041", "40")}
    charged = lines.filter(pl.col("kind").is_in(["payment", "withdrawal"]))
    for row in charged.to_dicts():
        if row["kind"] == "payment":
            rate, fixed = map(Decimal, tariffs[row["currency"]])
            places = Decimal(1) if row["currency"] == "JPY" else CENT
            expected = (row["gross"] * rate).quantize(places, ROUND_HALF_UP) + fixed
        else:
            share = (-row["gross"] * Decimal("0.015")).quantize(CENT, ROUND_HALF_UP)
            expected = min(max(share, Decimal("0.25")), Decimal("15.00"))
        assert row["fee"] - expected == planted_by_id.pop(row["txn_id"], 0), row
    assert not planted_by_id
    assert lines.filter(~pl.col("kind").is_in(["payment", "withdrawal"]))["fee"].sum() == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_made_statements_normalize_without_a_reject_but_the_planted_ones(provider: str) -> None:
    day = full_day(provider)
    lines, rejects, controls = normalized(day)
    withdrawals = 1 if provider == "wechatpay" else 0  # the trade bill does not have it
    assert sorted(rejects["unmapped"]) == [False] * 3 + [True] * 3
    assert lines.height + rejects.height == day.spec.rows + withdrawals
    assert controls.filter(pl.col("stated").is_null()).is_empty()
    assert controls.filter(pl.col("stated") != pl.col("computed")).is_empty()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_ledger_is_canonical_and_its_ids_do_not_repeat(provider: str) -> None:
    ledger = full_day(provider).ledger
    check("LEDGER_ENTRY", ledger)
    assert ledger["entry_id"].is_unique().all()
    known = ledger["txn_id"].is_not_null().mean()
    assert isinstance(known, float)
    assert 0.55 < known < 0.85


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_planted_movement_has_one_label_and_the_sides_its_type_says(provider: str) -> None:
    day = full_day(provider)
    lines, _, _ = normalized(day)
    labels = day.labels.to_dicts()
    assert Counter(row["type"] for row in labels) == day.spec.plants
    assert set(day.spec.plants) <= set(DISCREPANCY_TYPES)
    movements = [row["txn_id"] or row["merchant_ref"] for row in labels]
    assert len(set(movements)) == len(movements)
    for row in labels:
        if row["type"] in OF_AN_ORDER:
            assert row["merchant_ref"] in day.ledger["merchant_ref"]
            continue
        same = pl.any_horizontal(
            pl.col(name).is_in([row[name]])
            for name in ("merchant_ref", "txn_id")
            if row[name] is not None
        ).fill_null(value=False)
        mine, booked = lines.filter(same), day.ledger.filter(same)
        assert (mine.height, booked.height) == SIDES[row["type"]], row
        if row["type"] in ("fee_variance", "withdrawal_charge_variance"):
            difference = row["difference"]  # of the fee; the amounts agree
            assert mine["gross"].sum() == booked["amount"].sum()
        elif row["type"] == "currency_mismatch":
            difference = sum(mine["gross"])
            assert booked["currency"].to_list() != [row["currency"]]
        else:
            difference = sum(mine["gross"]) - sum(booked["amount"])
        assert row["difference"] == difference, row


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_not_labelled_is_on_both_sides_with_one_amount(provider: str) -> None:
    clean = generate_day(spec_of(provider, plants={}, carry_in=0, carry_out=0))
    lines, _, _ = normalized(clean)
    by_side = [
        side.group_by("kind", "currency").agg(
            (pl.col("kind") != "payment").sum().alias("len"),  # an order in parts has two lines
            pl.col(amount).sum().alias("amount"),
        )
        for side, amount in ((lines, "gross"), (clean.ledger, "amount"))
    ]
    assert by_side[0].sort("kind", "currency").equals(by_side[1].sort("kind", "currency"))
    assert clean.labels.is_empty()


@pytest.mark.parametrize(("window", "reported"), [(0, date(2026, 11, 20)), (1, date(2026, 11, 21))])
def test_one_sided_items_are_reported_after_their_window(window: int, reported: date) -> None:
    plants = {"missing_in_ledger": 1, "missing_in_provider": 1, "amount_mismatch": 1}
    windows = {"line_window_days": window, "entry_window_days": window}
    day = generate_day(spec_of("wechatpay", plants=plants, carry_out=0, **windows))
    dates = dict(day.labels.select("type", "business_date").iter_rows())
    assert dates == {
        "missing_in_ledger": reported,
        "missing_in_provider": reported,
        "amount_mismatch": FRIDAY,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_other_side_of_a_carried_item_comes_on_the_next_day(provider: str) -> None:
    today = generate_day(spec_of(provider, plants={}))
    tomorrow = generate_day(
        spec_of(provider, plants={}, business_date=FRIDAY + timedelta(days=1), carry_in=5)
    )
    lines = [normalized(day)[0]["merchant_ref"] for day in (today, tomorrow)]
    entries = [day.ledger["merchant_ref"] for day in (today, tomorrow)]
    assert today.carried["side"].value_counts().sort("side").rows() == [("entry", 2), ("line", 3)]
    for row in today.carried.to_dicts():
        first, second = (lines, entries) if row["side"] == "line" else (entries, lines)
        assert row["merchant_ref"] in first[0]
        assert row["merchant_ref"] in second[1]
        assert row["merchant_ref"] not in first[1]
        assert row["merchant_ref"] not in second[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_refunds_are_of_payments_of_the_day_or_the_day_before(provider: str) -> None:
    today = generate_day(spec_of(provider, plants={}, carry_in=0))
    yesterday = generate_day(
        spec_of(provider, business_date=FRIDAY - timedelta(days=1), carry_in=0)
    )
    lines = [normalized(day)[0] for day in (yesterday, today)]
    payments = pl.concat(lines).filter(kind="payment").select("txn_id", "merchant_ref", "gross")
    refunds = lines[1].filter(kind="refund")
    joined = refunds.join(payments, left_on="parent_txn_id", right_on="txn_id", how="inner")
    assert joined.height == refunds.height > 0
    assert (joined["parent_ref"] == joined["merchant_ref_right"]).all()
    refunded = joined.group_by("parent_txn_id").agg(
        total=-pl.col("gross").sum(), paid=pl.col("gross_right").first(), count=pl.len()
    )
    assert (refunded["total"] <= refunded["paid"]).all()
    assert (refunded["count"].max() == 2) == (provider == "wechatpay")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_faults_do_what_their_names_say(provider: str) -> None:
    data = next(iter(full_day(provider).files.values()))
    rows = data.splitlines(keepends=True)
    cut = generator.cut_at_row_boundary(data)
    assert data.startswith(cut)
    assert cut.endswith(b"\n")
    broken = generator.cut_in_row(data)
    assert data.startswith(broken)
    assert not broken.endswith(b"\n")
    fewer = generator.lose_rows(data, 3).splitlines(keepends=True)
    assert sum((Counter(rows) - Counter(fewer)).values()) == 3
    assert (fewer[0], fewer[-1]) == (rows[0], rows[-1])
    shuffled = generator.shuffle_rows(data, 7).splitlines(keepends=True)
    assert shuffled != rows
    assert sorted(shuffled) == sorted(rows)
    assert (shuffled[0], shuffled[-1]) == (rows[0], rows[-1])


def test_a_split_report_has_all_rows_once_and_its_totals_in_the_last_file() -> None:
    data = file_named(full_day("paypal"), "STL")
    parts = generator.split_settlement_report(data, 3)
    row_lists = [[r for r in report_rows(part) if r[0] == "SB"] for part in parts]
    assert list(chain(*row_lists)) == [r for r in report_rows(data) if r[0] == "SB"]
    kinds = [[record[0] for record in report_rows(part)] for part in parts]
    assert ["RF" in kind for kind in kinds] == [False, False, True]
    assert [next(r for r in report_rows(p) if r[0] == "FH")[1] for p in parts] == ["01", "02", "03"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provider": "nobody"}, "no provider 'nobody'"),
        ({"plants": {"refund_unlinked": 1}}, "cannot plant refund_unlinked at wechatpay"),
        ({"plants": {"date_mismatch": 1}, "line_window_days": 1}, "needs line_window_days"),
        ({"line_window_days": 0, "plants": {}}, "carry_out needs windows"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(spec_of("wechatpay"), **changes)  # type: ignore[arg-type]


def test_a_day_too_small_for_its_plants_is_refused() -> None:
    with pytest.raises(ValueError, match="20 rows are too few"):
        generate_day(spec_of("wechatpay", rows=20))


def test_the_samples_in_the_repository_are_what_the_generator_makes() -> None:
    stale = [name for name, data in sample_files().items() if (FOLDER / name).read_bytes() != data]
    assert not stale, f"run `python -m tests.generator samples`: {', '.join(stale)} differ"


def test_the_samples_show_every_type_and_one_day_without_any() -> None:
    labels = []
    for path in (FOLDER / "labels").iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            labels += list(csv.DictReader(file))
    shown = {(row["provider"], row["type"]) for row in labels}
    # The first needs a longer window than the samples have, the others would keep days unproved.
    unplanted = {"date_mismatch", "validation_failed", *OF_FILES}
    for provider in PROVIDERS:
        wanted = set(PLANTABLE[provider]) - unplanted
        if provider == "paypal":
            wanted -= {"unmapped_row"}  # one such row is enough: its day cannot be proved
        assert wanted == {type_ for where, type_ in shown if where == provider}
    runs = {(row["provider"], row["business_date"]) for row in labels}
    assert ("paypal", DAYS[0].isoformat()) not in runs


@pytest.mark.parametrize("provider", PROVIDERS)
def test_sample_days_open_where_the_day_before_closed(provider: str) -> None:
    days = sample_days(provider, 60, [{}, {}, {}])
    for before, after in pairwise(days):
        assert after.spec.opening == before.closing_balances


def test_the_command_writes_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "--provider wechatpay --rows 300 --date 2026-11-20 --fund-flow --plant fee_variance=2"
    monkeypatch.setattr(sys, "argv", ["generator", "day", *asked.split(), "--out", str(tmp_path)])
    command.main()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1600000001_fund_flow_2026-11-20.csv",
        "1600000001_trade_all_2026-11-20.csv",
        "carried.csv",
        "labels.csv",
        "ledger.csv",
        "ledger.parquet",
    ]
    from_csv = pl.read_csv(tmp_path / "ledger.csv", infer_schema=False)
    from_parquet = pl.read_parquet(tmp_path / "ledger.parquet")
    assert from_csv.height == from_parquet.height == 292  # nine orders have two lines each
    assert pl.read_csv(tmp_path / "labels.csv", infer_schema=False).height == 2
