"""A day made by hand: several currencies, many kinds of finding, and text that means harm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from recon.book_tables import PROPOSED_ENTRY, RESERVE
from recon.periods import Period
from recon.reporting.book import ACCOUNT_CHANGE, TRANSACTION, Book, account_days, carried
from recon.reporting.summary import day_summary
from recon.results import DayResult, StatementFile
from recon.tables import (
    CONSERVATION,
    CONTROL_TOTAL,
    DISCREPANCY,
    FEE_SUMMARY,
    MATCH,
    OPEN_ITEM,
    PAYOUT,
    RECEIPT,
    REJECT,
    ROLL_FORWARD,
    SETTLEMENT_BATCH,
    STATEMENT_LINE,
    WITHDRAWAL_CHARGE,
    Schema,
    empty,
)

DAY = date(2026, 11, 20)
PAN = "4111111111111111"
MASKED_PAN = "411111******1111"
TOKEN_AMOUNT = "1234.000000000000000001"  # 22 significant digits
LONG_AMOUNT = "12345678901234.56"  # 16 significant digits
FILE = "ab" * 32


def rows(schema: Schema, *given: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of a canonical table: what is not given is null, amounts are text."""
    every = {name: [row.get(name) for row in given] for name in schema}
    exact = {
        name: [Decimal(value) if isinstance(value, str) else value for value in values]
        if isinstance(schema[name], pl.Decimal)
        else values
        for name, values in every.items()
    }
    return pl.DataFrame(exact, schema=dict(schema))


def found(
    number: int,
    kind: str,
    currency: str | None,
    ledger: str | None,
    provider: str | None,
    **more: Any,
) -> dict[str, Any]:
    """One discrepancy; the difference is provider - ledger."""
    return {
        "discrepancy_id": f"d{number:06}",
        "type": kind,
        "provider": "wechatpay",
        "account": "1900000109",
        "business_date": DAY,
        "currency": currency,
        "amount_ledger": ledger,
        "amount_provider": provider,
        "difference": str(Decimal(provider or 0) - Decimal(ledger or 0)),
        "merchant_ref": f"ORD-{number:06}",
        "txn_id": f"42000012342026112012345678{number % 100:02}",
        "line_ids": [f"wechatpay:1900000109:payment:{number}"] if provider else [],
        "entry_ids": [f"E{number}"] if ledger else [],
        "rule": "txn_id",
        "mismatched_fields": [],
        "explanation": "The two sides are not the same.",
        "suggested_action": "Compare with the order and book the difference.",
        "first_seen_on": DAY,
        "age_days": 0,
        "severity": "medium",
    } | more


AMOUNT_FIELD = {"field": "amount", "ledger": "10.00", "provider": "9.00"}

FOUND = (
    found(
        1, "amount_mismatch", "CNY", "10", "9", severity="low", mismatched_fields=[AMOUNT_FIELD],
        explanation="The provider paid 9.00 CNY, the ledger has 10.00 CNY.",
    ),
    found(2, "missing_in_ledger", "CNY", None, "1234567.89", severity="high", explanation=(
        "A payment of 1,234,567.89 CNY is in the statement; no ledger entry has its transaction id "
        "or order number, and the one business day it may take has passed."
    )),
    found(3, "missing_in_provider", "JPY", "150000", None, first_seen_on=date(2026, 11, 18),
          age_days=2),
    found(4, "fee_variance", "KWD", "0.725", "0.75", rule="card-2026", severity="low"),
    found(5, "amount_mismatch", "TOK", "1234", TOKEN_AMOUNT),
    found(6, "amount_mismatch", "CNY", LONG_AMOUNT, "1", severity="high"),
    found(
        7, "reference_mismatch", "USD", "20", "20",
        merchant_ref='=HYPERLINK("http://evil.example","click")', txn_id="@SUM(A1)",
        explanation=f"Customer wrote \x07\x00card {PAN} and <b>&amp;</b> 你好\r\n+1",
        suggested_action="-2+3",
        mismatched_fields=[{"field": "merchant_ref", "ledger": PAN, "provider": None}],
    ),
    found(8, "file_missing", None, None, None, severity="high", merchant_ref=None, txn_id=None,
          explanation="The fund flow statement of 2026-11-20 has not been delivered."),
    found(9, "duplicate_in_provider", "USD", "5", "10.5", merchant_ref=PAN,
          explanation=f"Order {PAN} was charged twice."),
)  # fmt: skip


def batch(currency: str, **more: Any) -> dict[str, Any]:
    amounts = "gross refunds chargebacks fees withdrawals withdrawal_charges adjustments reserve"
    return {
        "provider": "wechatpay",
        "account": "1900000109",
        "batch_id": DAY.isoformat(),
        "currency": currency,
        "settlement_date": DAY,
        "payment_count": 0,
        "refund_count": 0,
        "other_count": 0,
        "proof_basis": "none",
        **dict.fromkeys([*amounts.split(), "net"], "0"),
    } | more


BATCHES = (
    batch("CNY", payment_count=1234, refund_count=12, other_count=2, gross="1500000.25",
          refunds="-2500.5", chargebacks="-120", fees="8998.5", withdrawals="-1000000",
          withdrawal_charges="10", adjustments="3.75", reserve="-5000", net="483375",
          opening_balance="20000", closing_balance="503375", proof="0", proof_basis="balance"),
    batch("JPY", payment_count=3, gross="450000", fees="14580", net="435420",
          opening_balance="1000", closing_balance="436400", proof="20", proof_basis="balance"),
    batch("KWD", payment_count=2, gross="31.5", fees="0.75", net="30.75", proof="0",
          proof_basis="control_total"),
    batch("TOK", other_count=1, gross=TOKEN_AMOUNT, net=TOKEN_AMOUNT),
)  # fmt: skip

WITHDRAWAL = {
    "line_id": "wechatpay:1900000109:withdrawal:w1",
    "kind": "withdrawal",
    "currency": "CNY",
    "tariff": "withdrawal-2026",
    "base": "1000000",
    "charged": "10",
    "expected": "8",
    "variance": "2",
    "arithmetic": "1000000.00 x 0.0008% = 8.00",
    "our_tariff": "ours",
    "our_charge": "15",
    "margin": "5",
    "occurred_at": datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
    "txn_id": "W-1",
}


def _line() -> pl.DataFrame:
    return rows(
        STATEMENT_LINE,
        {
            "line_id": WITHDRAWAL["line_id"], "provider": "wechatpay", "account": "1900000109",
            "file_id": FILE, "line_no": 7, "business_date": DAY, "kind": "withdrawal",
            "occurred_at": datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC), "txn_id": "W-1",
            "currency": "CNY", "gross": "-1000000", "fee": "10", "net": "-1000010",
            "description": f"to card {PAN}",
        },
    )  # fmt: skip


def _conservation() -> pl.DataFrame:
    said = """
        line  CNY input       1249 2732172.64
        line  JPY input          3 450000
        line  -   input          2 0
        entry CNY input       1247 1497505.75
        entry JPY input          6 900000
        line  CNY matched     1246 1497495.75
        line  CNY open           1 100
        line  CNY discrepancy    2 1234576.89
        line  JPY matched        3 450000
        line  -   rejected       2 0
        entry CNY matched     1246 1497495.75
        entry CNY discrepancy    1 10
        entry JPY matched        3 450000
        entry JPY open           2 300000
        entry JPY discrepancy    1 150000
    """
    went = [line.split() for line in said.strip().splitlines()]
    return rows(
        CONSERVATION,
        *(
            {
                "side": side,
                "currency": None if currency == "-" else currency,
                "outcome": outcome,
                "row_count": int(count),
                "amount": amount,
                "turnover": amount,
            }
            for side, currency, outcome, count, amount in went
        ),
    )


def _open_item(number: int, side: str, currency: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "side": side, "item_id": f"item-{number}", "kind": "payment", "business_date": DAY,
        "due_on": date(2026, 11, 21), "txn_id": f"4200001234202611{number:012}",
        "merchant_ref": f"ORD-9{number:05}", "payment_method": "JSAPI", "currency": currency,
        "amount": amount, "status": "succeeded", "state": "open",
    } | more  # fmt: skip


def day_result(discrepancies: Sequence[Mapping[str, Any]] = FOUND, **changed: Any) -> DayResult:
    """The day, with other discrepancies or other fields where a test says so."""
    result = DayResult(
        provider="wechatpay",
        account="1900000109",
        account_title="Main shop 主店",
        business_date=DAY,
        files=(
            StatementFile(FILE, "20261120_All.csv", "trade_bill", 2),
            StatementFile("cd" * 32, "=fund&flow<1>.csv", "fund_flow"),
        ),
        lines=_line().lazy(),
        matches=empty(MATCH).lazy(),
        discrepancies=rows(DISCREPANCY, *discrepancies),
        open_items=rows(
            OPEN_ITEM,
            _open_item(1, "line", "CNY", "100"),
            _open_item(2, "entry", "JPY", "100000"),
            _open_item(
                3,
                "entry",
                "JPY",
                "200000",
                state="overdue",
                business_date=date(2026, 11, 15),
                due_on=date(2026, 11, 16),
            ),
        ),
        rejects=rows(
            REJECT,
            {
                "file_id": FILE,
                "line_no": 12,
                "field": "交易状态",
                "value": "MYSTERY",
                "unmapped": True,
                "reason": "MYSTERY is not a status we know",
            },
            {
                "file_id": FILE,
                "line_no": 99,
                "field": "订单金额",
                "value": f"`{PAN}",
                "unmapped": False,
                "reason": "an amount is a number with at most 2 decimals",
            },
        ),
        controls=rows(
            CONTROL_TOTAL,
            {"file_id": FILE, "name": "总交易单数", "stated": "1249", "computed": "1249"},
            {
                "file_id": FILE,
                "name": "应结订单总金额",
                "currency": "CNY",
                "stated": "1500000.25",
                "computed": "1499000.25",
            },
            {"file_id": FILE, "name": "手续费总金额", "currency": "CNY", "computed": "8998.5"},
        ),
        assessed_withdrawals=rows(WITHDRAWAL_CHARGE, WITHDRAWAL),
        fees=rows(
            FEE_SUMMARY,
            {
                "tariff": "jsapi-0.6",
                "component": "fee",
                "kind": "payment",
                "currency": "CNY",
                "line_count": 1234,
                "base": "1500000.25",
                "charged": "9000",
                "expected": "9000",
                "variance": "0",
            },
            {
                "tariff": "jsapi-0.6",
                "component": "fee",
                "kind": "refund",
                "currency": "CNY",
                "line_count": 12,
                "base": "2500.5",
                "charged": "-1.5",
                "expected": "-15",
                "variance": "13.5",
            },
            {
                "component": "fee",
                "kind": "payment",
                "currency": "KWD",
                "line_count": 2,
                "base": "31.5",
                "charged": "0.75",
                "expected": "0",
                "variance": "0.75",
            },
        ),
        batches=rows(SETTLEMENT_BATCH, *BATCHES),
        roll_forward=rows(
            ROLL_FORWARD,
            {
                "side": "line",
                "currency": "CNY",
                "opening_count": 2,
                "opening_amount": "60",
                "new_count": 1,
                "new_amount": "100",
                "cleared_count": 2,
                "cleared_amount": "60",
                "written_off_count": 0,
                "written_off_amount": "0",
                "closing_count": 1,
                "closing_amount": "100",
            },
            {
                "side": "entry",
                "currency": "JPY",
                "opening_count": 1,
                "opening_amount": "200000",
                "new_count": 1,
                "new_amount": "100000",
                "cleared_count": 0,
                "cleared_amount": "0",
                "written_off_count": 0,
                "written_off_amount": "0",
                "closing_count": 2,
                "closing_amount": "300000",
            },
        ),
        conservation=_conservation(),
        payouts=empty(PAYOUT),
        reserve=rows(
            RESERVE,
            {
                "currency": "CNY",
                "opening": "1000",
                "held": "500",
                "released": "100.5",
                "closing": "1399.5",
                "expected_held": "500",
                "expected_released": "100.5",
            },
        ),
        receipts=empty(RECEIPT),
        not_proved_because=(
            "the fund_flow statement is missing",
            "1 control total(s) do not tie",
            "the settlement proof in JPY is not zero",
        ),
    )
    return replace(result, **changed)


def day_book(*summaries: Mapping[str, Any], **changed: Any) -> Book:
    """The proof workbook's frames of the day, or of the days whose summaries are given."""
    result = day_result()
    days = summaries or (day_summary(result, "run-1"),)
    dates = sorted(date.fromisoformat(day["business_date"]) for day in days)
    whose = {"provider": result.provider, "account": result.account}
    tables = carried(days)
    book = Book(
        period=Period(dates[0], dates[-1]),
        fingerprint="0123456789abcdef",
        days=account_days(days, frozenset()),
        carried=tables,
        discrepancies=result.discrepancies,
        open_items=result.open_items.with_columns(
            **{name: pl.lit(value) for name, value in whose.items()}
        ),
        payouts=rows(PAYOUT, *PAYOUTS),
        receipts=rows(RECEIPT, *RECEIPTS),
        changes=rows(ACCOUNT_CHANGE, *CHANGES),
        history=tables["metrics"],
        proposed=rows(PROPOSED_ENTRY, *PROPOSED),
        transactions=_transactions(),
    )
    return replace(book, **changed)


PROPOSED = (
    {"discrepancy_id": "d000001", "type": "amount_mismatch", "provider": "wechatpay",
     "account": "1900000109", "business_date": DAY, "debit": "Income:Sales:shop",
     "credit": "Assets:Suspense:shop", "currency": "CNY", "amount": "1"},
)  # fmt: skip
PAYOUTS = (
    {"payout_id": "p1", "provider": "wechatpay", "account": "1900000109", "pays_into": "B1",
     "kind": "withdrawal", "business_date": date(2026, 11, 19), "due_on": DAY,
     "batch_id": "2026-11-19", "currency": "CNY", "amount": "1000"},
    {"payout_id": "p2", "provider": "wechatpay", "account": "1900000109", "pays_into": "B1",
     "kind": "withdrawal", "business_date": DAY, "due_on": date(2026, 11, 23),
     "batch_id": "2026-11-20", "currency": "CNY", "amount": "500.5"},
)  # fmt: skip
RECEIPTS = (
    {"receipt_id": "r1", "rule": "payout number", "payout_id": "p1",
     "payout_provider": "wechatpay", "payout_account": "1900000109", "batch_id": "2026-11-19",
     "paid_on": date(2026, 11, 19), "line_id": "bank:B1:c1", "received_on": DAY,
     "currency": "CNY", "payout_amount": "1000", "credited": "998", "bank_fee": "2"},
)  # fmt: skip
CHANGES = (
    {"change": "cleared", "provider": "wechatpay", "account": "1900000109", "business_date": DAY,
     "type": "missing_in_ledger", "currency": "CNY", "difference_before": "12.5",
     "explanation": f"=A payment to card {PAN}.", "discrepancy_id": "d9"},
)  # fmt: skip


def _transactions() -> pl.DataFrame:
    """The lines that the CNY batch is made of, in two rows; the other batches have none."""
    whose = {"provider": "wechatpay", "account": "1900000109", "business_date": DAY}
    at = datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)
    return rows(
        TRANSACTION,
        whose | {"batch_id": DAY.isoformat(), "kind": "payment", "occurred_at": at,
                 "currency": "CNY", "gross": "1000", "fee": "6", "net": "994",
                 "outcome": "matched", "rule": "txn_id", "entry_id": "E1", "txn_id": "=1+1"},
        whose | {"batch_id": DAY.isoformat(), "kind": "payment", "occurred_at": at,
                 "currency": "CNY", "gross": "482390", "fee": "9", "net": "482381"},
    )  # fmt: skip


def many_found(count: int) -> list[dict[str, Any]]:
    """As many ordinary discrepancies as asked for."""
    return [
        found(number, "amount_mismatch" if number % 3 else "missing_in_ledger", "CNY",
              "10.00" if number % 3 else None, f"{number % 900}.25",
              mismatched_fields=[AMOUNT_FIELD],
              explanation=f"The provider paid {number % 900}.25 CNY, the ledger has 10.00 CNY.")
        for number in range(count)
    ]  # fmt: skip
