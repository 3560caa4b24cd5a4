"""Wallets: exact tokens, directions, network fees, failed transactions; explorers' exports."""

import json
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import identify
from recon.providers.contract import ReadContext
from recon.providers.tpwallet import PROVIDER
from recon.providers.tpwallet.chain import atomic
from tests.golden import content_of

US, THEM = (
    "0xAbC0000000000000000000000000000000000001",
    "0x0000000000000000000000000000000000000002",
)
HEADER = (
    "tx_hash,log_index,network,block_time_utc,direction,order_id,token_symbol,token_decimals,"
    "amount_atomic,fee_symbol,fee_decimals,fee_atomic,confirmations,status"
)
PAID = "0xaa,1,ethereum,2026-01-15T10:00:00Z,payment_in,ORDER1,USDT,6,2500000,ETH,18,0,64,success"
SENT = "0xbb,2,ethereum,2026-01-15T11:00:00Z,withdrawal_out,WD1,USDT,6,1000000,ETH,18,7,64,success"


def statement(*rows: str, usdt: int = 0, eth: int = 0, count: int | None = None) -> bytes:
    lines = [
        f"#wallet,{US}", "#date,2026-01-15", "#opening,USDT,6,10000000", "#opening,ETH,18,1000",
        HEADER, *rows, f"#closing,USDT,6,{10_000_000 + usdt}", f"#closing,ETH,18,{1000 + eth}",
        f"#rows,{len(rows) if count is None else count}",
    ]  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


def read(data: bytes, account: str | None = US) -> dict[str, pl.DataFrame]:
    content = content_of(data)
    provider, description = identify(content)
    assert provider is PROVIDER
    reading = provider.kind(description.kind).read(content, ReadContext(account, "UTC"))
    names = ("lines", "rejects", "controls", "balances")
    return {name: getattr(reading, name).collect() for name in names}


def ties(made: dict[str, pl.DataFrame]) -> bool:
    off = pl.col("stated").ne_missing(pl.col("computed"))
    return made["controls"].filter(off).is_empty()


@pytest.mark.parametrize(
    ("units", "decimals", "amount"),
    [
        ("1", "18", "0.000000000000000001"),
        ("3141592653589793238", "18", "3.141592653589793238"),
        ("2500000", "6", "2.5"),
        ("0", "6", "0"),
        ("42", "0", "42"),
        ("12345678901234567890123456789012345678", "18", "12345678901234567890.123456789012345678"),
        ("123456789012345678901", "0", None),  # more than can be held
        ("123456789012345678901234567890123456789", "18", None),
        ("99999999999999999999", "0", "99999999999999999999"),
        ("-1", "6", None),
        ("+1", "6", None),
        ("1 ", "6", None),
        ("1.5", "6", None),
        ("1e3", "6", None),
        ("", "6", None),
        ("1", "19", None),
        ("1", "six", None),
    ],
)
def test_atomic_units_are_scaled_exactly(units: str, decimals: str, amount: str | None) -> None:
    made = pl.select(atomic(pl.lit(units), pl.lit(decimals))).item()
    assert made == (None if amount is None else Decimal(amount))


def test_transfers_in_and_out_with_the_fee_in_its_own_token() -> None:
    made = read(statement(PAID, SENT, usdt=1_500_000, eth=-7))
    assert made["lines"].select("kind", "currency", "gross", "fee").rows() == [
        ("payment", "USDT", Decimal("2.5"), 0),
        ("withdrawal", "USDT", -1, 0),
        ("fee", "ETH", -Decimal(7).scaleb(-18), 0),
    ]
    assert made["lines"]["line_id"].n_unique() == 3
    assert ties(made)
    assert made["balances"].select("currency", "closing").rows() == [
        ("USDT", Decimal("11.5")), ("ETH", Decimal(993).scaleb(-18)),
    ]  # fmt: skip


def test_a_fee_in_another_token_is_the_line_below_its_transfer() -> None:
    made = read(statement(SENT, PAID, SENT.replace("0xbb", "0xcc"), usdt=500_000, eth=-14))
    assert made["lines"].select("line_no", "kind", "original_currency", "merchant_ref").rows() == [
        (6, "withdrawal", "USDT", "WD1"), (6, "fee", "USDT", None),
        (7, "payment", "USDT", "ORDER1"),
        (8, "withdrawal", "USDT", "WD1"), (8, "fee", "USDT", None),
    ]  # fmt: skip


def test_a_fee_in_the_token_that_moves_is_on_the_line() -> None:
    sent = SENT.replace("ETH,18,7", "USDT,6,500")
    made = read(statement(sent, usdt=-1_000_500))
    line = made["lines"].row(0, named=True)
    assert (line["gross"], line["fee"], line["net"]) == (-1, Decimal("0.0005"), Decimal("-1.0005"))
    assert ties(made)


def test_a_failed_transaction_moves_nothing_but_its_fee() -> None:
    made = read(statement(SENT.replace("success", "failed"), eth=-7))
    assert made["lines"].select("status", "gross").rows() == [
        ("failed", 0), ("succeeded", -Decimal(7).scaleb(-18)),
    ]  # fmt: skip
    assert ties(made)


def test_too_few_confirmations_are_pending() -> None:
    made = read(statement(PAID.replace(",64,", ",3,"), usdt=2_500_000))
    assert made["lines"]["status"].to_list() == ["pending"]


def test_a_lost_row_shows_in_balance_and_count() -> None:
    made = read(statement(PAID, usdt=1_500_000, eth=-7, count=2))
    off = made["controls"].filter(pl.col("stated") != pl.col("computed"))
    assert off.select("name", "currency").rows() == [
        ("rows", None), ("closing balance", "ETH"), ("closing balance", "USDT"),
    ]  # fmt: skip
    cut = read(statement(PAID).split(b"#closing")[0])
    assert not ties(cut)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("payment_in", "gift_in", "direction"),
        ("2500000", "2.5", "amount"),
        ("USDT", "MOON", "token"),
        ("success", "maybe", "status"),
        ("2026-01-15T10", "yesterday", "time"),
        (",64,success", ",64", "row"),
    ],
)
def test_what_is_not_understood_is_rejected(old: str, new: str, field: str) -> None:
    made = read(statement(PAID.replace(old, new)))
    assert made["lines"].is_empty()
    assert made["rejects"].select("line_no", "field").rows() == [(6, field)]


def test_the_address_of_the_wallet_is_compared_without_its_case() -> None:
    assert read(statement(PAID), account=US.lower())["lines"].height == 1
    assert read(statement(PAID), account=THEM)["lines"].is_empty()


NATIVE = (
    '"Transaction Hash","Blockno","UnixTimestamp","DateTime (UTC)","From","To","ContractAddress",'
    '"Value_IN(ETH)","Value_OUT(ETH)","CurrentValue @ $2038.09/Eth","TxnFee(ETH)","TxnFee(USD)",'
    '"Historical $Price/Eth","Status","ErrCode","Method"'
)


def native(sender: str, to: str, into: str, out: str, status: str = "") -> bytes:
    cells = ["0xaa", "1", "1768471200", "2026-01-15 10:00:00", sender, to, "", into, out, "1",
             "0.0007", "1.4", "2000", status, "", "Transfer"]  # fmt: skip
    return (NATIVE + "\n" + ",".join(f'"{cell}"' for cell in cells) + "\n").encode()


def test_an_etherscan_export_tells_the_direction_by_our_address() -> None:
    came = read(native(THEM, US, "0.5", "0"))["lines"]
    assert came.select("kind", "gross", "fee").rows() == [("top_up", Decimal("0.5"), 0)]
    went = read(native(US, THEM, "0", "1,000.25"))["lines"].row(0, named=True)
    assert (went["kind"], went["gross"], went["fee"]) == (
        "withdrawal", Decimal("-1000.25"), Decimal("0.0007"),
    )  # fmt: skip
    failed = read(native(US, THEM, "0", "2", "Error(0)"))["lines"].row(0, named=True)
    assert (failed["status"], failed["net"]) == ("failed", Decimal("-0.0007"))
    assert read(native(THEM, THEM, "1", "0"))["rejects"]["field"].to_list() == ["direction"]


INTERNAL_HEADER = (
    '"Transaction Hash","Blockno","UnixTimestamp","DateTime (UTC)","ParentTxFrom","ParentTxTo",'
    '"ParentTxETH_Value","From","TxTo","ContractAddress","Value_IN(ETH)","Value_OUT(ETH)",'
    '"CurrentValue @ $3114.81/Eth","Historical $Price/Eth","Status","ErrCode","Type"'
)


@pytest.mark.parametrize(
    ("to", "into", "status", "error", "kind", "gross", "becomes"),
    [
        (US, "0.5", "0", "", "top_up", "0.5", "succeeded"),
        (US.upper().replace("0X", "0x"), "1,000.25", "", "", "top_up", "1000.25", "succeeded"),
        (US, "0.5", "1", "", "top_up", "0", "failed"),
        (US, "0.5", "0", "out of gas", "top_up", "0", "failed"),
    ],
)
def test_internal_transactions_are_what_contracts_have_sent(
    to: str, into: str, status: str, error: str, kind: str, gross: str, becomes: str
) -> None:
    row = (
        f'"0xaa","1","1768471200","2026-01-15 10:00:00","{US}","{THEM}","0","{THEM}","{to}","",'
        f'"{into}","0","","","{status}","{error}","call"'
    )
    made = read(f"{INTERNAL_HEADER}\n{row}\n".encode())
    (line,) = made["lines"].iter_rows(named=True)
    assert (line["kind"], line["gross"], line["status"]) == (kind, Decimal(gross), becomes)
    assert (line["fee"], line["currency"], line["txn_id"]) == (0, "ETH", "0xaa")
    assert "internal" in line["line_id"]
    unknown = read(f"{INTERNAL_HEADER}\n{row.replace(chr(34) + to, chr(34) + THEM)}\n".encode())
    assert unknown["rejects"]["field"].to_list() == ["direction"]


def test_an_erc20_export_has_thousands_commas_and_states_nothing() -> None:
    header = "Txhash,Blockno,UnixTimestamp,DateTime (UTC),From,To,TokenValue,USDValueDayOfTx,"
    header += "ContractAddress,TokenName,TokenSymbol"
    row = f'0xaa,1,1,2026-01-15 10:00:00,{THEM},{US},"1,234.567891",1,0xc,Tether,USDT'
    made = read(f"{header}\n{row}\n".encode())
    assert made["lines"]["gross"].to_list() == [Decimal("1234.567891")]
    assert made["controls"]["stated"].to_list() == [None]


def test_a_trongrid_list_is_read_in_atomic_units() -> None:
    item: dict[str, Any] = {
        "transaction_id": "t1", "token_info": {"symbol": "USDT", "decimals": 6},
        "block_timestamp": 1_768_471_200_000, "from": THEM, "to": US, "value": "4900000",
    }  # fmt: skip
    made = read(json.dumps({"data": [item]}).encode())
    line = made["lines"].row(0, named=True)
    assert (line["gross"], line["occurred_at"].hour) == (Decimal("4.9"), 10)
    del item["value"]
    with pytest.raises(StatementError):
        read(json.dumps([item]).encode())


def test_a_btcpay_report_names_the_order() -> None:
    header = "Date,InvoiceId,OrderId,Category,PaymentMethodId,Confirmed,Address,PaymentCurrency,"
    header += "PaymentAmount,PaymentMethodFee,LightningAddress,InvoiceCurrency,"
    header += "InvoiceCurrencyAmount,Rate"
    row = "2026-01-15 10:00:00,I1,ORDER1,On-Chain,BTC-CHAIN,true,bc1,BTC,0.00012345,0,,EUR,10,81000"
    line = read(f"{header}\n{row}\n".encode())["lines"].row(0, named=True)
    assert (line["merchant_ref"], line["gross"]) == ("ORDER1", Decimal("0.00012345"))


TRONSCAN = "transaction_id,block,block_ts,from_address,to_address,confirmed,contractRet,quant\n"


@pytest.mark.parametrize(
    ("row", "status", "gross"),
    [
        ("t1,1,2026-01-15 10:00:00,TX,TUS,true,SUCCESS,4900000", "succeeded", "4.9"),
        ("t1,1,1768471200000,TUS,TX,true,SUCCESS,4900000", "succeeded", "-4.9"),
        ("t1,1,2026-01-15 10:00:00,TX,TUS,false,SUCCESS,4900000", "pending", "4.9"),
        ("t1,1,2026-01-15 10:00:00,TX,TUS,true,REVERT,4900000", "failed", "0"),
    ],
)
def test_a_tronscan_export_says_what_is_confirmed_and_what_failed(
    row: str, status: str, gross: str
) -> None:
    content = content_of(f"{TRONSCAN}{row}\n".encode(), "transfers_USDT_2026-01.csv")
    provider, description = identify(content)
    reading = provider.kind(description.kind).read(content, ReadContext("TUS", "UTC"))
    line = reading.lines.collect().row(0, named=True)
    assert (line["status"], line["gross"], line["currency"]) == (status, Decimal(gross), "USDT")
    assert line["occurred_at"].isoformat() == "2026-01-15T10:00:00+00:00"


def test_a_tronscan_export_of_an_unnamed_token_is_not_guessed() -> None:
    row = "t1,1,2026-01-15 10:00:00,TX,TUS,true,SUCCESS,4900000\n"
    rejects = read((TRONSCAN + row).encode(), "TUS")["rejects"]
    assert rejects.select("field", "value", "unmapped").rows() == [
        ("token", "no token in the name of the file", True)
    ]


def test_btcpay_payouts_are_withdrawals_or_refunds_and_only_completed_ones_move_money() -> None:
    header = "Date,Source,State,PaymentType,Currency,Amount,OriginalCurrency,OriginalAmount,"
    rows = [
        "2026-01-15T10:00:00Z,Manual,Completed,BTC-CHAIN,BTC,0.00000001,EUR,1.00,bc1qx",
        "2026-01-15T11:00:00Z,Manual,Cancelled,BTC-CHAIN,BTC,0.5,EUR,1.00,bc1qy",
        "2026-01-15T11:00:00Z,Manual,Teleported,BTC-CHAIN,BTC,0.5,EUR,1.00,bc1qy",
        "2026-01-15T12:00:00Z,Refund DEMOINV1,Completed,BTC-CHAIN,BTC,0.25,EUR,1.00,bc1qz",
    ]
    made = read(("\n".join([header + "Destination", *rows]) + "\n").encode())
    assert made["lines"].select("kind", "gross", "status", "parent_txn_id").rows() == [
        ("withdrawal", Decimal("-0.00000001"), "succeeded", None),
        ("withdrawal", 0, "failed", None),
        ("refund", Decimal("-0.25"), "succeeded", "DEMOINV1"),  # by the name of its source
    ]
    assert made["rejects"].select("field", "unmapped").rows() == [("status", True)]


def test_an_export_of_two_days_serves_each_of_them() -> None:
    data = (TRONSCAN + "t1,1,2026-01-15 20:00:00,TX,TUS,true,SUCCESS,1\n"
            "t2,1,2026-01-15 01:00:00,TX,TUS,true,SUCCESS,1\n").encode()  # fmt: skip
    content = content_of(data, "USDT.csv")
    kind = PROVIDER.kind("tronscan_trc20")
    assert kind.places is not None
    zone = "Asia/Shanghai"
    places = kind.places(content, ReadContext("TUS", zone))
    assert sorted(str(place.business_date) for place in places) == ["2026-01-15", "2026-01-16"]
    for place in places:
        days = one_day(place.business_date)
        reading = kind.read(content, ReadContext("TUS", zone, days, places - {place}))
        assert reading.lines.collect()["business_date"].to_list() == [place.business_date]
        assert reading.rejects.collect().is_empty()
