"""Postings: what each movement is booked on, that all balance, and that clearing is open items."""

from collections import Counter
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.control_tables import WRITE_OFF
from recon.discrepancies import complete
from recon.errors import BrokenInvariantError, NotProvedError, UserError
from recon.journal import proposals
from recon.journal.accounts import NAMES, ROLE_BY_KIND, Chart, Override, component, name_problem
from recon.journal.details import details
from recon.journal.formats import ASSERTION, Journal, beancount_text, hledger_text, journal_rows
from recon.journal.given_up import given_up
from recon.journal.phrases import MEMOS, WHY_NOT, memo
from recon.journal.postings import Movements, postings
from recon.money import MONEY
from recon.results import DayResult
from recon.tables import (
    CONSERVATION,
    DISCREPANCY,
    DISCREPANCY_TYPES,
    FEE_SUMMARY,
    KINDS,
    LEDGER_ENTRY,
    OPEN_ITEM,
    PAYOUT,
    RECEIPT,
    STATEMENT_LINE,
    empty,
)
from recon.wording import LANGUAGES, Language
from tests import generator
from tests.support import TODAY, WHOSE, frame_of, line, lines, run, small_day

EVENTS = (
    *("statement", "ledger", "tax", "exchange", "tolerance", "difference"),
    *("booking", "payout", "receipt", "write_off"),
)
HOLDING = ("clearing", "suspense")


def booked(result: DayResult) -> dict[tuple[str, str], Decimal]:
    """Sums by role and currency."""
    summed = result.postings.group_by("role", "currency").agg(pl.col("amount").sum())
    return {(role, code): amount for role, code, amount in summed.iter_rows()}


def ours(items: pl.DataFrame) -> dict[str, Decimal]:
    """Entries less lines of open items, by currency."""
    signed = pl.when(pl.col("side") == "entry").then("amount").otherwise(-pl.col("amount"))
    return dict(items.group_by("currency").agg(signed.sum()).iter_rows())


def posted(
    *stated: dict[str, Any],
    entries: tuple[dict[str, Any], ...] = (),
    before: tuple[dict[str, Any], ...] = (),
    outcomes: tuple[tuple[str, str, str], ...] = (),
    payouts: tuple[dict[str, Any], ...] = (),
    receipts: tuple[dict[str, Any], ...] = (),
    write_offs: tuple[dict[str, Any], ...] = (),
    written_off: tuple[dict[str, Any], ...] = (),
    fees: tuple[dict[str, Any], ...] = (),
    after: tuple[dict[str, Any], ...] = (),
    exchanged: str = "0",
) -> list[tuple[str, str, str]]:
    """(event, role, amount) of a day in CNY; `outcomes` is (side, outcome, amount)."""
    moved = Movements(
        lines(*(line(f"L{n}", **row) for n, row in enumerate(stated))).lazy(),
        frame_of(LEDGER_ENTRY, ({"currency": "CNY", **row} for row in entries)).lazy(),
        frame_of(OPEN_ITEM, ({"currency": "CNY", **row} for row in before)),
        frame_of(OPEN_ITEM, ({"currency": "CNY", **row} for row in after)),
        frame_of(
            CONSERVATION,
            (
                {"side": side, "outcome": outcome, "amount": amount, "currency": "CNY"}
                for side, outcome, amount in outcomes
            ),
        ),
        frame_of(PAYOUT, ({"currency": "CNY", "pays_into": "B1", **row} for row in payouts)),
        frame_of(RECEIPT, ({"currency": "CNY", **row} for row in receipts)),
        given_up(
            frame_of(WRITE_OFF, ({"currency": "CNY", **row} for row in write_offs)),
            frame_of(OPEN_ITEM, ({"currency": "CNY", **row} for row in written_off)),
        ),
        frame_of(FEE_SUMMARY, ({"currency": "CNY", **row} for row in fees)),
        pl.DataFrame(
            {"currency": ["CNY"], "difference": [Decimal(exchanged)]},
            schema={"currency": pl.String(), "difference": MONEY},
        ),
    )
    made = postings(moved, WHOSE)
    return [
        (event, role, str(amount.normalize()))
        for event, role, amount in made.select("event", "role", "amount").rows()
    ]


def test_a_payment_on_both_sides_is_a_sale_a_fee_and_a_balance() -> None:
    assert posted(
        {"gross": "100", "fee": "0.6"},
        entries=({"kind": "payment", "amount": "100"},),
        outcomes=(("line", "matched", "100"), ("entry", "matched", "100")),
    ) == [
        ("ledger", "clearing", "1E+2"),
        ("ledger", "sales", "-1E+2"),
        ("statement", "balance", "99.4"),
        ("statement", "clearing", "-1E+2"),
        ("statement", "fees", "0.6"),
    ]


def test_what_only_the_cycle_tells_is_paid_out_of_the_balance() -> None:
    sent = posted(payouts=({"amount": "90"}, {"amount": "10", "arithmetic": "10.00 (2026-11-19)"}))
    assert sent == [
        ("payout", "balance", "-1E+1"),
        ("payout", "in_transit", "1E+1"),
        ("payout", "in_transit", "9E+1"),
        ("payout", "transfers", "-9E+1"),
    ]


def test_what_the_balance_has_not_moved_for_is_on_an_account_of_its_own() -> None:
    """90 wait since today, 20 of before are booked."""
    assert posted(
        before=({"side": "booking", "item_id": "B1", "amount": "20"},),
        after=({"side": "booking", "item_id": "B2", "amount": "90"},),
    ) == [
        ("booking", "balance", "-7E+1"),
        ("booking", "unbooked", "7E+1"),
    ]


def test_the_tax_in_a_fee_is_booked_on_its_own_account() -> None:
    taxed = (
        {"component": "tax", "kind": "payment", "charged": "1.14"},
        {"component": "tax", "kind": "refund", "charged": "-0.14"},
        {"component": "tax", "kind": "withdrawal", "charged": "0.20"},
        {"component": "fee", "kind": "payment", "charged": "6"},
    )
    assert posted(fees=taxed) == [
        ("tax", "fees", "-1.14"),
        ("tax", "tax", "1.14"),
        ("tax", "fees", "0.14"),
        ("tax", "tax", "-0.14"),
        ("tax", "tax", "0.2"),
        ("tax", "withdrawal_charges", "-0.2"),
    ]


def test_a_conversion_below_the_reference_rate_is_an_exchange_loss() -> None:
    lost = [("exchange", "conversion", "-2.5"), ("exchange", "fx", "2.5")]
    assert posted(exchanged="-2.5") == lost


def test_without_a_reference_rate_a_conversion_stays_on_its_account_in_each_currency() -> None:
    given = posted(
        {"kind": "conversion", "gross": "-80"},
        entries=({"kind": "conversion", "amount": "-80"},),
        outcomes=(("line", "matched", "-80"), ("entry", "matched", "-80")),
    )
    assert given == [
        ("ledger", "clearing", "-8E+1"),
        ("ledger", "conversion", "8E+1"),
        ("statement", "balance", "-8E+1"),
        ("statement", "clearing", "8E+1"),
    ]


def test_details_are_the_same_sums_a_transaction_for_every_row() -> None:
    day = small_day(carry_out=1)
    result = run(day)
    entries = day.ledger.filter(business_date=TODAY).lazy()
    made = details(result.postings, result.lines, entries, empty(OPEN_ITEM), WHOSE)
    key = ("event", "role", "currency")
    sums = [
        frame.group_by(key).agg(pl.col("amount").sum()).sort(key).rows()
        for frame in (made, result.postings)
    ]
    assert sums[0] == sums[1]
    lines_and_entries = made.filter(pl.col("event").is_in(["statement", "ledger"]))
    rows = result.lines.select("line_id").unique().collect().height + entries.collect().height
    assert lines_and_entries["transaction_id"].n_unique() == rows
    gone = entries.collect().slice(1).lazy()
    with pytest.raises(NotProvedError, match="the ledger of the day are not those"):
        details(result.postings, result.lines, gone, empty(OPEN_ITEM), WHOSE)


def test_memos_are_in_the_language_of_the_reports() -> None:
    facts = {"event": ["statement", "opening"], "kind": ["refund", None], "batch_id": ["7", None]}
    said = {
        language: pl.DataFrame(facts).select(said=memo(language))["said"].to_list()
        for language in LANGUAGES
    }
    assert said == {
        "en": ["refund by the statement, batch 7", "what was there before"],
        "zh": ["对账单退款，批次 7", "期初余额"],
    }


def test_what_a_rule_tolerates_is_rounding_and_what_differs_is_in_suspense() -> None:
    both = [
        posted(
            {"gross": "99.99"},
            entries=({"kind": "payment", "amount": "100"},),
            outcomes=(("line", outcome, "99.99"), ("entry", outcome, "100")),
        )[:2]
        for outcome in ("matched", "discrepancy")
    ]
    assert both[0] == [("ledger", "clearing", "1E+2"), ("ledger", "sales", "-1E+2")]
    assert both[1] == [("difference", "clearing", "-0.01"), ("difference", "suspense", "0.01")]
    tolerated = posted(
        {"gross": "99.99"},
        entries=({"kind": "payment", "amount": "100"},),
        outcomes=(("line", "matched", "99.99"), ("entry", "matched", "100")),
    )
    assert tolerated[-2:] == [("tolerance", "clearing", "-0.01"), ("tolerance", "rounding", "0.01")]


def test_an_entry_that_is_dated_again_is_posted_once() -> None:
    assert posted(
        entries=({"entry_id": "E1", "kind": "payment", "amount": "30"},),
        before=({"side": "entry", "item_id": "E1", "kind": "payment", "amount": "20"},),
        outcomes=(("entry", "discrepancy", "30"),),
    )[2:] == [("ledger", "clearing", "1E+1"), ("ledger", "sales", "-1E+1")]


def test_a_payout_is_in_transit_until_it_is_received_less_the_charge_of_the_bank() -> None:
    assert posted(payouts=({"amount": "50"},)) == [
        ("payout", "in_transit", "5E+1"),
        ("payout", "transfers", "-5E+1"),
    ]
    assert posted(receipts=({"payout_amount": "50", "credited": "48", "bank_fee": "2"},)) == [
        ("receipt", "bank_charges", "2"),
        ("receipt", "in_transit", "-5E+1"),
        ("receipt", "transfers", "48"),
    ]


def test_what_is_written_off_leaves_the_account_that_held_it_for_the_one_that_was_named() -> None:
    account = {"booking_account": "Expenses:Losses"}
    item = {"discrepancy_id": "match:E", "item_ids": ["E"], "amount": "-7"}
    entry = {"side": "entry", "item_id": "E", "amount": "7"}
    assert posted(write_offs=(account | item,), written_off=(entry,)) == [
        ("write_off", "=Expenses:Losses", "7"),
        ("write_off", "clearing", "-7"),
    ]
    line = entry | {"side": "line"}
    assert posted(write_offs=(account | item,), written_off=(line,)) == [
        ("write_off", "=Expenses:Losses", "-7"),
        ("write_off", "clearing", "7"),
    ]
    pair = {"discrepancy_id": "match:L", "item_ids": [], "amount": "0.01"}  # provider has more
    assert posted(write_offs=(account | pair,)) == [
        ("write_off", "=Expenses:Losses", "-0.01"),
        ("write_off", "suspense", "0.01"),
    ]
    fee = pair | {"discrepancy_id": "fee:L"}  # is in the fees already
    assert posted(write_offs=(account | fee,)) == []
    assert Chart().name_of("=Expenses:Losses", {}) == "Expenses:Losses"


def test_a_row_that_was_matched_and_not_posted_is_an_error_of_ours() -> None:
    with pytest.raises(BrokenInvariantError, match="entry rows posted are not those"):
        posted(outcomes=(("entry", "matched", "1"),))


@pytest.mark.parametrize("provider", ["wechatpay", "paypal"])
def test_a_day_with_every_planted_difference_leaves_the_open_items_on_clearing(
    provider: str,
) -> None:
    result = run(small_day(provider, 200, **generator.default_plants(provider, 200)))
    assert result.open_items.height > 0
    found = booked(result)
    cleared = {code: found.get(("clearing", code), Decimal(0)) for _, code in found}
    assert {code: amount for code, amount in cleared.items() if amount} == ours(result.open_items)
    balanced = result.postings.group_by("transaction_id", "currency").agg(pl.col("amount").sum())
    assert set(balanced["amount"]) == {0}
    lines = result.lines.group_by("currency").agg(pl.col("net").sum()).collect()
    assert {code: found["balance", code] for code in lines["currency"]} == dict(lines.iter_rows())


@pytest.mark.parametrize("provider", ["wechatpay", "paypal"])
def test_booking_what_is_proposed_leaves_only_what_is_open_to_question(provider: str) -> None:
    """Every difference is either settled by its proposed entry, to the digit, or still held."""
    plants = generator.default_plants(provider, 200) | {"currency_mismatch": 0}
    result = run(small_day(provider, 200, **plants))
    proposed = result.proposed_entries
    assert proposed.height == result.discrepancies.height
    assert (proposed["debit"].is_null() == proposed["why_not"].is_not_null()).all()
    held: Counter[str] = Counter()
    for (role, code), amount in booked(result).items():
        held[code] += amount if role in HOLDING else 0
    for row in proposed.filter(pl.col("why_not").is_null()).iter_rows(named=True):
        for role, sign in ((row["debit"], 1), (row["credit"], -1)):
            held[row["currency"]] += sign * row["amount"] if role in HOLDING else 0
    expected = Counter(ours(result.open_items.filter(pl.col("state") == "open")))
    undecided = proposed.filter(pl.col("why_not").is_not_null())
    left = result.discrepancies.join(undecided, on="discrepancy_id", how="semi")
    unmatched = left.filter(pl.col("discrepancy_id").str.starts_with("match:"))
    for code, difference in unmatched.select("currency", "difference").rows():
        expected[code] -= difference
    assert {code: held[code] for code in held if held[code]} == {
        code: expected[code] for code in expected if expected[code]
    }


@pytest.mark.parametrize(
    ("type", "provider", "ledger", "kind", "debit", "credit", "amount"),
    [
        ("missing_in_ledger", "84.90", None, "payment", "suspense", "sales", "84.90"),
        ("missing_in_ledger", "-5", None, "refund", "refunds", "suspense", "5"),
        ("chargeback_unrecorded", "-50", None, "chargeback", "chargebacks", "suspense", "50"),
        ("missing_in_provider", None, "100.80", "payment", "sales", "suspense", "100.80"),
        ("amount_mismatch", "661", "660", "payment", "suspense", "sales", "1"),
        ("unidentified_receipt", "9", None, "transfer", "suspense", "unidentified", "9"),
        ("fee_variance", "8.03", "4.82", "payment", "claims", "fees", "3.21"),
        ("fee_variance", "4.82", "8.03", "payment", "fees", "claims", "3.21"),
        ("withdrawal_charge_variance", "2", "1", "withdrawal", "claims", "withdrawal_charges", "1"),
        ("fx_variance", "98", "100", "conversion", "claims", "fx", "2"),
        ("ambiguous_match", "1", "1", "payment", None, None, None),
        ("payout_not_received", None, "50", "payout", None, None, None),
    ],
)
def test_the_entry_that_settles_a_difference(
    type: str,
    provider: str | None,
    ledger: str | None,
    kind: str,
    debit: str | None,
    credit: str | None,
    amount: str | None,
) -> None:
    row = {
        "discrepancy_id": "d",
        "type": type,
        "explanation": "e",
        "currency": "CNY",
        "line_ids": ["L"],
        "amount_provider": None if provider is None else Decimal(provider),
        "amount_ledger": None if ledger is None else Decimal(ledger),
    }
    schema = {"amount_provider": pl.Decimal(38, 18), "amount_ledger": pl.Decimal(38, 18)}
    (found,) = proposals.proposed_entries(
        complete(pl.DataFrame([row], schema_overrides=schema), WHOSE),
        lines(line("L", kind=kind)).lazy(),
        empty(LEDGER_ENTRY).lazy(),
        empty(OPEN_ITEM),
    ).iter_rows(named=True)
    expected = (debit, credit, None if amount is None else Decimal(amount))
    assert (found["debit"], found["credit"], found["amount"]) == expected
    assert (found["why_not"] is None) == (debit is not None)


@pytest.mark.parametrize(
    ("paid", "language", "said"),
    [  # whichever way it is off
        ("9", "en", "Where the difference is, or comes from, must be cleared up first."),
        ("11", "en", "Where the difference is, or comes from, must be cleared up first."),
        ("9", "zh", "须先查明差额的去向或来源。"),
    ],
)
def test_a_payout_that_is_off_proposes_no_entry_and_says_why(
    paid: str, language: Language, said: str
) -> None:
    off = {"discrepancy_id": "receipt:P", "type": "payout_mismatch", "amount_provider": paid}
    found = frame_of(DISCREPANCY, [off | {"amount_ledger": "10", "currency": "CNY"}])
    nothing = empty(STATEMENT_LINE).lazy(), empty(LEDGER_ENTRY).lazy(), empty(OPEN_ITEM)
    (row,) = proposals.proposed_entries(found, *nothing, language).iter_rows(named=True)
    assert (row["debit"], row["why_not"]) == (None, said)


def test_a_credit_that_waits_as_a_part_of_a_payout_is_booked_as_what_it_is() -> None:
    found = frame_of(
        DISCREPANCY,
        [{"discrepancy_id": "match:K", "type": "missing_in_ledger", "line_ids": ["K"],
          "amount_provider": "10", "difference": "10", "currency": "CNY"}],
    )  # fmt: skip
    carried = frame_of(
        OPEN_ITEM,
        [{"side": side, "item_id": "K", "kind": kind}
         for side, kind in (("credit", "transfer"), ("line", "payment"))],
    )  # fmt: skip
    sides = empty(STATEMENT_LINE).lazy(), empty(LEDGER_ENTRY).lazy()
    (row,) = proposals.proposed_entries(found, *sides, carried).iter_rows(named=True)
    assert (row["debit"], row["credit"]) == ("clearing", "sales")


def test_every_type_has_an_entry_or_a_reason_and_every_kind_an_account() -> None:
    types = [name for name in proposals.ENTRIES if name in DISCREPANCY_TYPES]
    assert sorted([*types, *WHY_NOT]) == sorted(DISCREPANCY_TYPES)
    assert set(MEMOS) == {"opening", *EVENTS}
    assert sorted(ROLE_BY_KIND) == sorted(KINDS)
    assert set(ROLE_BY_KIND.values()) <= set(NAMES)


# ------------------------------------------------------------------------------ the chart

FACTS = {
    "provider": "alipay",
    "account": "2088-01",
    "currency": "CNY",
    "kind": "refund",
    "pays_into": None,
}


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("clearing", "Assets:Clearing:Alipay:2088-01"),
        ("fees", "6603 手续费 Alipay"),
        ("sales", "Income:China"),
        ("opening", "Equity:Opening"),
    ],
)
def test_an_account_is_called_as_the_first_fitting_name_says(role: str, name: str) -> None:
    chart = Chart(
        {"fees": "6603 手续费 {provider}"},
        (
            Override("sales", "Income:Europe", currency="EUR"),
            Override("sales", "Income:China", provider="alipay"),
            Override("sales", "Income:Other"),
        ),
    )
    assert chart.name_of(role, FACTS) == name


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("acct_1", "Acct-1"),
        ("0x71c7", "0x71c7"),
        ("4711-0815", "4711-0815"),
        ("a:b;c", "A-b-c-778e1c7d"),
        ("6222****1234", "6222-1234-0d673060"),
        ("基本户", "54fff038"),
        ("", ""),
    ],
)
def test_a_number_becomes_a_word_every_ledger_takes(text: str, word: str) -> None:
    assert component(text) == word


def test_accounts_that_differ_only_in_what_a_ledger_does_not_take_stay_apart() -> None:
    numbers = ["6222****1234", "6222**1234", "6222-1234", "6222 1234", "基本户", "一般户"]
    assert len({component(number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize("name", ["Assets:{shop}", "Assets:{", "a;b", "two  blanks", ""])
def test_a_name_that_no_ledger_takes_is_a_problem(name: str) -> None:
    assert name_problem(name) is not None


def test_beancount_says_which_account_it_does_not_take() -> None:
    result = run(small_day())
    rows = journal_rows(result.postings, Chart({"fees": "6603 fees"}))
    with pytest.raises(UserError, match=r"Beancount takes no account '6603 fees'"):
        beancount_text(Journal(rows, empty(ASSERTION)))
    assert "6603 fees  " in hledger_text(Journal(rows, empty(ASSERTION)))


def test_the_same_day_gives_the_same_journal() -> None:
    day = small_day(rows=100, missing_in_ledger=2, amount_mismatch=3)
    one, again = (journal_rows(run(day).postings, Chart()) for _ in range(2))
    assert one.equals(again)
    assert set(one["business_date"]) == {TODAY}
    assert (one["debit"].is_null() != one["credit"].is_null()).all()
