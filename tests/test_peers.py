"""Defects seen in other reconciliation programs, each of which this one must not have.

The names say the defect. What a defect is about in detail is tested where it belongs.
"""

import json
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import polars as pl
import pytest

from recon.cli import invoke
from recon.errors import UserError
from recon.io.config import load_config
from recon.matching import engine
from recon.matching.items import ITEM
from recon.matching.rules import MatchRule, Tolerance
from recon.matching.subsets import cover
from tests.generator import lose_rows
from tests.support import (
    ROOT,
    TODAY,
    changed,
    check,
    copy_place,
    outcomes,
    run,
    shipped_rules,
    small_day,
)

REFERENCE = MatchRule("reference", ("kind", "merchant_ref"))


def test_peer_01_a_day_that_failed_can_be_run_again_and_one_that_succeeded_is_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = copy_place(tmp_path, "wechatpay")
    common = ["--config", f"{tmp_path}/configs", "--workspace", f"{tmp_path}/workspace"]

    def recon(*words: str) -> int:
        return invoke([*words, *common])

    assert recon("ledger", "import", *map(str, ledgers)) == 0
    bill = tmp_path / "sample_statements/wechatpay/1600000001_trade_all_2026-11-18.csv"
    kept = bill.read_bytes()
    bill.write_bytes(lose_rows(kept))
    assert recon("run", "--date", "2026-11-18") == 3
    bill.write_bytes(kept)
    assert recon("run", "--date", "2026-11-18") == 0
    capsys.readouterr()
    assert recon("run", "--date", "2026-11-18", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert "unchanged" in json.dumps(again)


def test_peer_02_a_pooled_row_whose_amount_differs_is_not_reported_again_days_later() -> None:
    day = small_day(rows=60, amount_mismatch=3)
    first = run(day)
    assert first.discrepancies["type"].to_list() == ["amount_mismatch"] * 3
    assert first.open_items.height == 0  # nothing of it is left in the pool
    check(
        """
        line  L1 payment T1 R1 CNY 12.00 on=11-18 carried=open
        entry E1 payment T1 R1 CNY 10.00
        ---
        L1 E1 amount_mismatch 2.00
        """
    )


def test_peer_03_refunds_are_compared_and_footers_checked() -> None:
    check(
        """
        line  L1 refund F1 - CNY -4.00 parent=R1
        line  L2 refund F2 - CNY -6.00 parent=R1
        entry E1 refund F1 - CNY -4.00 parent=R1
        entry E2 refund F2 - CNY -5.00 parent=R1
        ---
        L1 E1 matched by provider transaction id
        L2 E2 amount_mismatch -1.00
        """
    )
    day = small_day()
    found = run(day, files=changed(day.files, "trade_all", lose_rows))
    assert "control_total_mismatch" in found.discrepancies["type"]
    assert not found.proved


def test_peer_04_a_match_claims_both_rows_a_cent_is_exact_and_currencies_never_mix() -> None:
    check(
        """
        line  L1 payment - R1 CNY 10.00
        line  L2 payment - R1 CNY 10.00
        entry E1 payment - R1 CNY 10.00
        ---
        L1 L2 E1 duplicate_in_provider 10.00
        """
    )
    cent = MatchRule("cent", ("kind", "merchant_ref"), amount_tolerance=Tolerance(Decimal("0.01")))
    for amount, outcome in (("10.01", "matched by cent"), ("10.02", "amount_mismatch 0.02")):
        text = f"line L1 payment T R1 CNY {amount}\nentry E1 payment - R1 CNY 10.00"
        assert outcomes(text, rules=[cent]) == [f"L1 E1 {outcome}"]
    summed = MatchRule("sum", ("kind", "merchant_ref"), groups="sum")
    mixed = """
        line  L1 payment T1 R1 CNY 4.00
        line  L2 payment T2 R1 USD 6.00
        entry E1 payment -  R1 CNY 10.00
        """
    assert outcomes(mixed, rules=[summed]) == ["L1 L2 E1 ambiguous_match -6.00"]


def test_peer_05_a_surplus_is_a_discrepancy_and_keeps_its_sign() -> None:
    for amount, difference in (("12.00", "2.00"), ("8.00", "-2.00")):
        text = f"line L1 payment T1 R1 CNY {amount}\nentry E1 payment T1 R1 CNY 10.00"
        assert outcomes(text) == [f"L1 E1 amount_mismatch {difference}"]


def test_peer_06_a_hundred_thousand_rows_a_side_are_taken_and_sets_found_where_greed_fails() -> (
    None
):
    # A million a side is what `python -m tests.bench --rows 1000000` runs.
    count = 100_000
    ids = pl.select(pl.int_range(count).cast(pl.String)).to_series()
    rows = pl.DataFrame({"txn_id": "T" + ids, "merchant_ref": "R" + ids}).with_columns(
        kind=pl.lit("payment"), currency=pl.lit("CNY"), amount=pl.lit("10"),
        business_date=pl.lit(TODAY), reported=pl.lit(value=False),
    )  # fmt: skip

    def side(name: str) -> pl.DataFrame:
        made = rows.with_columns(item_id=name + ids)
        return made.select(
            (pl.col(column) if column in made.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in ITEM.items()
        )

    begun = perf_counter()
    matched = engine.match(side("L"), side("E"), shipped_rules(), 1)
    assert matched.pairs["clean"].sum() == count
    assert perf_counter() - begun < 20
    # The largest first (80, then 30 or 40) never makes 100; 60 and 40 do.
    assert cover(100, [80, 60, 40, 30]).members == (1, 2)


def test_peer_07_an_unknown_code_is_a_reject_that_is_counted_and_the_rest_goes_on() -> None:
    day = small_day("paypal", 60, unmapped_row=1)
    found = run(day)
    assert found.discrepancies["type"].to_list() == ["unmapped_row"]
    assert found.controls.filter(pl.col("stated") != pl.col("computed")).height == 0
    assert (
        found.lines.collect().filter(kind="fee").height
        == run(small_day("paypal", 60)).lines.collect().filter(kind="fee").height
    )


def test_peer_08_repeated_keys_are_not_paired_by_order_and_a_misspelled_setting_is_refused(
    tmp_path: Path,
) -> None:
    check(
        """
        line  L1 payment - R1 CNY 1.00
        line  L2 payment - R1 CNY 2.00
        entry E1 payment - R1 CNY 2.00
        entry E2 payment - R1 CNY 2.00
        ---
        L1 L2 E1 E2 ambiguous_match -1.00
        """
    )
    copy_place(tmp_path, "wechatpay")
    path = tmp_path / "configs" / "recon.toml"
    text = path.read_text("utf-8")
    for old, new in (
        ('groups = "parts"', 'group = "parts"'),
        ("date_window = { before = 0, after = 5 }", "date_window = { befor = 0, after = 5 }"),
    ):
        path.write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(UserError, match="there is no such setting"):
            load_config(tmp_path / "configs")


def test_peer_09_a_fee_is_counted_once_though_it_contains_another_one() -> None:
    # A Stripe balance transaction states one fee, and what it is made of in `fee_details`.
    from recon.io.statements import normalize_files

    (sample, *_) = sorted((ROOT / "sample_statements" / "stripe").glob("*.json"))
    made = normalize_files([sample], provider="stripe", account=None, time_zone=None)
    (total,) = made.lines.select(
        off=(pl.col("gross") - pl.col("fee") - pl.col("net")).abs().sum()
    ).to_series()
    assert total == 0
    assert made.is_sound  # each payout is the sum of the nets of its transactions
    assert made.lines.filter(pl.col("fee") > 0).height > 0


def test_peer_10_the_same_amount_alone_never_matches_two_distinct_transactions() -> None:
    check(
        """
        line  L1 payment T1 R1 CNY 10.00
        entry E1 payment T2 R2 CNY 10.00
        ---
        L1 open
        E1 open
        """
    )
    by_amount = MatchRule("amount", ("kind", "currency", "amount", "business_date"))
    two = """
        line  L1 payment T1 R1 CNY 10.00
        line  L2 payment T2 R2 CNY 10.00
        entry E1 payment -  -  CNY 10.00
        """
    assert all("matched" not in said for said in outcomes(two, rules=[by_amount]))
