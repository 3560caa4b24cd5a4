"""A day from bytes to result, in memory: proved days, and what the faults of files make of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recon.boundary import check
from recon.day import DayInput, MemoryStore
from recon.errors import StatementError, UserError
from recon.fees.schedule import Tariff
from recon.pipeline import run_day
from recon.providers import provider_named
from recon.results import DayResult
from recon.settings import AccountSettings
from recon.tables import LEDGER_ENTRY, OPEN_ITEM, REJECT, conform, empty
from tests import generator
from tests.generator import GeneratedDay, generate_day, split_settlement_report
from tests.support import (
    TODAY,
    account_of,
    changed,
    frame_of,
    frames,
    run,
    shipped_config,
    small_day,
    statements_of,
)

TOMORROW = TODAY + timedelta(days=1)
TRADES, FLOW = "trade_all", "fund_flow"
ONE_REJECT = frame_of(
    REJECT,
    [{"file_id": "ledger", "line_no": 3, "field": "amount", "value": "1,0", "reason": "not one"}],
).with_columns(unmapped=pl.lit(value=False))


def types(result: DayResult) -> list[str]:
    return sorted(result.discrepancies["type"])


def explanations(result: DayResult) -> str:
    return " ".join(result.discrepancies["explanation"])


def counted(result: DayResult, side: str) -> dict[str, int]:
    """How many rows of one side had which outcome; together they are all there were."""
    found = result.conservation.filter(side=side).group_by("outcome").agg(pl.col("row_count").sum())
    went = dict(found.iter_rows())
    assert went.pop("input") == sum(went.values())
    return went


def given(
    day: GeneratedDay,
    *,
    account: AccountSettings | None = None,
    files: Mapping[str, bytes] | None = None,
    **more: Any,
) -> DayInput:
    """A generated day of WeChat Pay as what a run is given."""
    return DayInput(
        account or account_of("wechatpay"),
        provider_named("wechatpay"),
        TODAY,
        statements_of("wechatpay", day.files if files is None else files),
        day.ledger.lazy(),
        empty(REJECT),
        empty(OPEN_ITEM),
        **more,
    )


def without(day: GeneratedDay, *parts: str) -> dict[str, bytes]:
    return {n: data for n, data in day.files.items() if not any(part in n for part in parts)}


# ------------------------------------------------------------------------------ a proved day


@pytest.mark.parametrize("provider", ["wechatpay", "paypal"])
def test_a_clean_day_is_proved_to_the_digit(provider: str) -> None:
    day = small_day(provider, 60)
    result = run(day)
    assert result.proved
    assert types(result) == []
    assert result.open_items.height == result.rejects.height == result.roll_forward.height == 0
    assert counted(result, "entry") == {"matched": day.ledger.height}
    assert counted(result, "line") == {"matched": result.lines.select(pl.len()).collect().item()}
    assert set(result.batches["proof"]) == {0}
    assert set(result.batches["proof_basis"]) == {"balance"}
    assert set(result.fees["variance"]) == {0}
    closing = dict(result.batches.select("currency", "closing_balance").iter_rows())
    assert closing == day.closing_balances


def test_a_result_is_made_of_canonical_tables() -> None:
    made = frames(run(small_day(rows=60, missing_in_ledger=1, fee_variance=1)))
    for name, table in {
        "lines": "STATEMENT_LINE",
        "matches": "MATCH",
        "discrepancies": "DISCREPANCY",
        "open_items": "OPEN_ITEM",
        "rejects": "REJECT",
        "controls": "CONTROL_TOTAL",
        "assessed_withdrawals": "WITHDRAWAL_CHARGE",
        "fees": "FEE_SUMMARY",
        "batches": "SETTLEMENT_BATCH",
        "roll_forward": "ROLL_FORWARD",
        "conservation": "CONSERVATION",
    }.items():
        check(table, made[name])


def test_two_equal_runs_give_equal_frames() -> None:
    day = small_day(rows=200, **generator.default_plants("wechatpay", 200))
    one, again = frames(run(day)), frames(run(day))
    for name, frame in one.items():
        assert frame.equals(again[name]), name


@pytest.mark.parametrize("provider", ["wechatpay", "paypal"])
def test_no_frame_of_a_run_has_a_float(provider: str) -> None:
    result = run(small_day(provider, 40))
    found = [
        f"{name}.{column}"
        for name, value in vars(result).items()
        if isinstance(value, pl.DataFrame | pl.LazyFrame)
        for column, dtype in value.lazy().collect_schema().items()
        if dtype.is_float() or "Float" in str(dtype)
    ]
    assert not found, found


def test_the_stages_run_in_their_order_through_the_step_they_are_given() -> None:
    day, names = small_day(), []

    def step(name: str, stage: Any) -> Any:
        names.append(name)
        return stage()

    policy = shipped_config().policy
    assert run_day(given(day), policy, MemoryStore(), step).proved
    assert names == [
        "normalize", "match", "fees", "settle", "exchange", "receive", "conclude", "post"
    ]  # fmt: skip
    assert not run_day(given(day, files={}), policy, MemoryStore(), step).proved
    assert names[8:] == names[:8]  # a day whose statements are missing goes the same way


def test_only_the_tariffs_of_the_account_are_applied() -> None:
    day = small_day()
    dear = Tariff(
        name="of another account",
        account="2",
        kinds=frozenset({"payment"}),
        currency="CNY",
        effective_from=date(2026, 1, 1),
        payment_methods=frozenset({"JSAPI", "NATIVE", "APP", "MICROPAY"}),
        percent=Decimal(50),
    )
    policy = shipped_config().policy
    results = [
        run_day(
            given(day),
            replace(policy, tariffs=tariffs),
            MemoryStore(),
        )
        for tariffs in ((*policy.tariffs, dear), (dear,))
    ]
    assert [result.discrepancies.height for result in results] == [0, 0]
    # An account without a schedule is not assessed.
    assert [result.fees.height > 0 for result in results] == [True, False]


def test_a_withdrawal_is_assessed_row_by_row() -> None:
    found = run(small_day()).assessed_withdrawals
    assert found.select("kind", "charged", "expected", "variance").rows() == [
        ("withdrawal", 0, 0, 0)
    ]


# ------------------------------------------------------------------------------ files that are cut


@pytest.mark.parametrize(
    ("provider", "part"), [("wechatpay", TRADES), ("wechatpay", FLOW), ("paypal", "STL")]
)
def test_a_file_cut_at_a_row_boundary_is_one_discrepancy_and_not_proved(
    provider: str, part: str
) -> None:
    day = small_day(provider, 60)
    result = run(day, files=changed(day.files, part, generator.cut_at_row_boundary))
    assert types(result) == ["control_total_mismatch"]
    assert not result.proved
    assert "is not stated" in explanations(result)
    assert result.discrepancies["severity"].to_list() == ["high"]


@pytest.mark.parametrize(
    ("provider", "part"), [("wechatpay", TRADES), ("wechatpay", FLOW), ("paypal", "STL")]
)
def test_rows_lost_in_the_middle_put_the_totals_off_and_are_one_discrepancy(
    provider: str, part: str
) -> None:
    day = small_day(provider, 60)
    result = run(day, files=changed(day.files, part, lambda data: generator.lose_rows(data, 3)))
    assert types(result) == ["control_total_mismatch"]
    assert not result.proved
    assert "rows give" in explanations(result)


def test_a_bill_with_a_header_alone_is_no_day_without_activity() -> None:
    day = small_day()
    result = run(day, files=changed(day.files, TRADES, lambda data: data.split(b"\n")[0] + b"\n"))
    assert types(result) == ["control_total_mismatch"]
    assert "1 statement(s) do not state all their control totals" in result.not_proved_because


def no_activity(bill: bytes) -> bytes:
    """A WeChat Pay bill that says itself that nothing happened."""
    header, *_, names, _, _ = bill.decode().split("\r\n")
    zeros = ["`0", *["`0.00"] * names.count(",")]
    return "\r\n".join([header, names, ",".join(zeros), ""]).encode()


def test_a_bill_that_says_itself_that_nothing_happened_is_proved() -> None:
    day = small_day()
    result = run(day, files=changed(day.files, "", no_activity), ledger=day.ledger.clear())
    assert result.proved
    assert types(result) == []
    assert result.batches.height == result.conservation.height == 0


def test_a_movement_of_the_balance_that_no_other_bill_has_is_a_balance_mismatch() -> None:
    day = small_day()
    files = changed(day.files, TRADES, no_activity)
    result = run(day, files=files, ledger=day.ledger.clear())
    assert "balance_mismatch" in types(result)
    assert result.not_proved_because == ("the settlement proof in CNY is not zero",)


def test_a_file_that_is_no_text_is_refused_with_its_name() -> None:
    day = small_day()
    with pytest.raises(StatementError, match=r"trade_all.*\.csv"):
        run(day, files=changed(day.files, TRADES, lambda data: b"\xff\xfe" + data))


# ------------------------------------------------------------------------------ missing files


def test_a_missing_bill_of_trades_is_said_and_everything_waits() -> None:
    day = small_day()
    result = run(day, files=without(day, TRADES))
    assert types(result) == ["file_missing"]
    assert "the trade_all statement is missing" in result.not_proved_because
    assert counted(result, "entry") == {"open": day.ledger.height}
    assert set(result.open_items["state"]) == {"open"}
    assert result.matches.collect().height == 0


def test_a_day_without_any_file_is_not_a_day_without_differences() -> None:
    day = small_day()
    result = run(day, files={})
    assert types(result) == ["file_missing", "file_missing"]
    assert not result.proved
    assert counted(result, "entry") == {"open": day.ledger.height}


def test_nothing_of_a_missing_file_is_reported_as_missing_even_without_a_window() -> None:
    day = small_day()
    account = account_of("wechatpay", line_window_days=0, entry_window_days=0)
    assert types(run(day, account=account, files=without(day, TRADES))) == ["file_missing"]


def test_nor_is_what_only_the_missing_fund_flow_bill_can_show() -> None:
    day = small_day()
    account = account_of("wechatpay", line_window_days=0, entry_window_days=0)
    assert types(run(day, account=account, files=without(day, FLOW))) == ["file_missing"]


def test_what_waits_for_a_missing_fund_flow_bill_waits_a_day_longer() -> None:
    day = small_day()
    result = run(day, files=without(day, FLOW))
    assert types(result) == ["file_missing"]
    assert result.open_items.select("kind", "due_on").rows() == [("withdrawal", TOMORROW)]


def test_the_day_after_a_missing_file_does_not_report_its_entries() -> None:
    day = small_day()
    waiting = run(day, files=without(day, TRADES, FLOW))
    next_day = generate_day(replace(day.spec, business_date=TOMORROW))
    result = run(next_day, open_items=waiting.open_items)
    assert types(result) == []
    assert counted(result, "entry") == {
        "matched": next_day.ledger.height,
        "open": day.ledger.height,
    }


@pytest.mark.parametrize("window", [0, 1, 2, 3, 5])
def test_waiting_for_a_file_never_shortens_a_window(window: int) -> None:
    day = small_day()
    account = account_of("wechatpay", entry_window_days=window)
    result = run(day, account=account, files={})
    last = TODAY + timedelta(days=max(window - 1, 1))
    assert set(result.open_items["due_on"]) == {last}


def test_an_item_that_was_reported_stays_reported_while_a_file_is_missing() -> None:
    day = small_day()
    late = frame_of(OPEN_ITEM, [carried(item_id="GL-1", side="entry", state="overdue")])
    result = run(day, files={}, open_items=late)
    states = result.open_items.filter(item_id="GL-1")["state"].to_list()
    assert (types(result), states) == (["file_missing"] * 2, ["overdue"])


def carried(**facts: Any) -> dict[str, Any]:
    yesterday = TODAY - timedelta(days=1)
    return {
        "side": "line",
        "item_id": "L1",
        "kind": "payment",
        "business_date": yesterday,
        "due_on": yesterday,
        "txn_id": "T-of-yesterday",
        "merchant_ref": "R-of-yesterday",
        "currency": "CNY",
        "amount": "12.00",
        "status": "succeeded",
        "state": "open",
    } | facts


# ------------------------------------------------------------------------------ rejects


def test_a_ledger_row_that_was_rejected_counts_and_the_day_is_not_proved() -> None:
    day = small_day()
    result = run(day, entry_rejects=ONE_REJECT)
    assert types(result) == ["validation_failed"]
    assert "Row 3 was not understood: amount is 1,0 (not one)." in explanations(result)
    assert counted(result, "entry") == {"matched": day.ledger.height, "rejected": 1}
    assert result.not_proved_because == ("1 row(s) were not understood",)
    assert result.rejects.equals(ONE_REJECT)


@pytest.mark.parametrize(("limit", "proved"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_row_of_an_unknown_code_is_rejected_and_the_rest_goes_on(
    limit: int, proved: bool
) -> None:
    day = small_day(rows=60, unmapped_row=2)
    result = run(day, account=account_of("wechatpay", unmapped_limit=limit))
    assert types(result) == ["unmapped_row", "unmapped_row"]
    assert counted(result, "line")["rejected"] == 2
    assert counted(result, "entry") == {"matched": day.ledger.height}
    assert result.proved is proved


def test_a_reject_is_one_difference_and_not_a_balance_mismatch_as_well() -> None:
    day = small_day()
    broken = changed(day.files, TRADES, lambda data: data.replace(b"`SUCCESS`,", b"`ODD`,", 1))
    broken = changed(broken, TRADES, lambda data: data.replace(b",`SUCCESS,", b",`ODD,", 1))
    result = run(day, files=broken)
    assert types(result) == ["unmapped_row"]
    assert "the settlement proof in CNY is not zero" in result.not_proved_because


# ------------------------------------------------------------------------------ repeated rows


def test_a_row_the_statement_repeats_is_told_from_the_first_one() -> None:
    found = run(small_day(rows=60, duplicate_in_provider=2)).discrepancies
    assert found["type"].to_list() == ["duplicate_in_provider"] * 2
    for first, second in found["line_ids"]:
        assert second == f"{first}#2"


def with_one_txn_id_thrice(bill: bytes) -> bytes:
    """The first transaction again with one fen more, and again with two."""
    header, first, *rest = bill.split(b"\r\n")
    cells = first.split(b",`")
    amount = Decimal(cells[12].decode())
    for surplus in (Decimal("0.01"), Decimal("0.02")):
        cells[12] = str(amount + surplus).encode()
        rest.insert(0, b",`".join(cells))
    return b"\r\n".join([header, first, *rest])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_which_repeat_gets_which_id_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    def amount_by_id(files: dict[str, bytes]) -> dict[str, Decimal]:
        left = run(day, files=files, ledger=day.ledger.clear()).open_items.filter(side="line")
        of_one = left.filter(pl.col("txn_id").is_duplicated())
        return dict(of_one.select("item_id", "amount").iter_rows())

    day = small_day()
    files = changed(day.files, TRADES, with_one_txn_id_thrice)
    shuffled = changed(files, TRADES, lambda data: generator.shuffle_rows(data, seed))
    found = amount_by_id(files)
    assert [line_id.partition("#")[2] for line_id in sorted(found)] == ["", "2", "3"]
    assert len(set(found.values())) == 3
    assert amount_by_id(shuffled) == found


@pytest.mark.parametrize("amount", ["12.00", "13.00", "14.00"])
def test_a_carried_line_that_is_delivered_again_surfaces_beside_itself(amount: str) -> None:
    day = small_day()
    entry = day.ledger.filter(pl.col("txn_id").is_not_null(), kind="payment").row(0, named=True)
    line_id = f"wechatpay:1600000001:payment:{entry['txn_id']}"
    without_it = day.ledger.filter(pl.col("entry_id") != entry["entry_id"])
    assert run(day, ledger=without_it).open_items["item_id"].to_list() == [line_id]
    before = frame_of(OPEN_ITEM, [carried(item_id=line_id, amount=amount, state="overdue")])
    left = run(day, ledger=without_it, open_items=before).open_items
    assert left.select("item_id", "state").rows() == [
        (line_id, "overdue"),
        (f"{line_id}#2", "open"),
    ]


@pytest.mark.parametrize("amount", ["12.00", "13.00"])
def test_a_carried_entry_that_is_corrected_to_be_of_today_is_the_same_entry(amount: str) -> None:
    day = small_day()
    corrected = ledger_entry(entry_id="GL-X", business_date=TODAY, amount=amount)
    ledger = pl.concat([day.ledger, frame_of(LEDGER_ENTRY, [corrected])])
    before = frame_of(OPEN_ITEM, [carried(side="entry", item_id="GL-X", txn_id="TX")])
    left = run(day, ledger=ledger, open_items=before).open_items
    assert left.select("item_id", "amount").rows() == [("GL-X", Decimal(amount))]


def ledger_entry(**facts: Any) -> dict[str, Any]:
    return {
        "provider": "wechatpay",
        "account": "1600000001",
        "kind": "payment",
        "txn_id": "TX",
        "currency": "CNY",
        "amount": "12.00",
        "status": "succeeded",
    } | facts


# ------------------------------------------------------------------------------ carried items


def test_what_is_open_today_matches_tomorrow_and_rolls_forward() -> None:
    today = small_day(rows=60, carry_out=4)
    first = run(today)
    assert first.proved
    assert types(first) == []
    assert sorted(first.open_items["side"]) == ["entry", "entry", "line", "line"]
    spec = replace(
        today.spec,
        business_date=TOMORROW,
        carry_in=4,
        carry_out=0,
        opening_balances=today.closing_balances,
    )
    second = run(generate_day(spec), open_items=first.open_items)
    assert types(second) == []
    assert second.open_items.height == 0
    counts = ["side", "opening_count", "new_count", "cleared_count", "closing_count"]
    assert second.roll_forward.select(counts).rows() == [
        ("entry", 2, 0, 2, 0),
        ("line", 2, 0, 2, 0),
    ]


def test_an_entry_that_never_comes_is_reported_once_and_carried() -> None:
    day = small_day()
    late = frame_of(OPEN_ITEM, [carried(side="entry", item_id="GL-1")])
    first = run(day, open_items=late)
    assert types(first) == ["missing_in_provider"]
    assert counted(first, "entry") == {"matched": day.ledger.height, "discrepancy": 1}
    again = run(day, open_items=first.open_items)
    assert types(again) == []
    assert again.open_items["state"].to_list() == ["overdue"]
    assert counted(again, "entry") == {"matched": day.ledger.height, "open": 1}


def test_a_line_whose_entry_was_written_off_says_so_once() -> None:
    day = small_day(missing_in_ledger=1)
    account = replace(account_of("wechatpay"), line_window_days=0)
    [alone] = run(day, account=account).discrepancies.rows(named=True)
    gone = carried(side="entry", item_id="GL-1", currency=alone["currency"],
                   amount=alone["amount_provider"], merchant_ref=alone["merchant_ref"])  # fmt: skip
    after = given(day, account=account, given_up_items=frame_of(OPEN_ITEM, [gone]))
    told = run_day(after, shipped_config().policy, MemoryStore())
    more = " The other side had it as GL-1, which was written off: take the write-off back, and "
    assert explanations(told) == f"{alone['explanation']}{more}book nothing twice."


def test_an_empty_ledger_leaves_every_line_open_and_nothing_breaks() -> None:
    day = small_day()
    result = run(day, ledger=conform(day.ledger.clear(), LEDGER_ENTRY))
    assert types(result) == []
    assert set(counted(result, "line")) == {"open"}
    assert result.proved  # the statement is; the lines are inside their window


def test_amounts_too_many_and_too_large_to_be_summed_are_an_error_and_never_wrap() -> None:
    # Polars 2.1 adds decimals modulo 2**128 in some of its group_by, and says nothing.
    day = small_day()
    large = (
        ledger_entry(entry_id=f"GL-{n}", business_date=TODAY, amount="999999999999999999")
        for n in range(300)
    )
    ledger = pl.concat([day.ledger, frame_of(LEDGER_ENTRY, large)])
    with pytest.raises((UserError, pl.exceptions.ComputeError)):
        run(day, ledger=ledger)


@pytest.mark.parametrize("parts", [2, 3])
def test_a_paypal_report_in_several_files_is_proved_as_one(parts: int) -> None:
    day = small_day("paypal")
    (name, report), *_ = day.files.items()
    files = {
        name.replace(".01.", f".{number:02}."): data
        for number, data in enumerate(split_settlement_report(report, parts), start=1)
    }
    whole, split = run(day), run(day, files=files)
    assert split.proved, split.not_proved_because
    assert split.discrepancies.height == whole.discrepancies.height == 0
    for lost in files:
        rest = {other: data for other, data in files.items() if other != lost}
        result = run(day, files=rest)
        assert not result.proved, lost
        assert "control_total_mismatch" in types(result)


def test_a_statement_that_comes_as_two_files_counts_once_and_is_told() -> None:
    day = small_day("paypal")
    (name, report), *_ = day.files.items()
    again = report.replace(b'"FH",01', b'"FH",02').replace(b'"FH","01"', b'"FH","02"') + b"\n"
    once, twice = run(day), run(day, files={**day.files, name.replace(".01.", ".02."): again})
    assert twice.discrepancies["type"].to_list() == ["file_duplicate"]
    assert name in twice.discrepancies["explanation"][0]
    assert twice.not_proved_because == once.not_proved_because == ()
    assert_frame_equal(twice.conservation, once.conservation)
    assert_frame_equal(twice.batches, once.batches)
