"""Every real file in ../shared/samples comes out as its expected values and its origin say.

A file that nobody claims is a failure unless it is listed here with the reason.
"""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.providers import identify
from recon.providers.contract import Content
from tests.golden import content_of, providers, read
from tests.tools import SHARED_SAMPLES, shared_samples

# No statements: where they are from, what others expect of them, headers and answers of APIs.
NO_STATEMENT = {
    "PROVENANCE.md": "where the samples are from",
    "expected.json": "what they are expected to be read as",
    "bank/expected.json": "what they are expected to be read as",
    "adyen/ipn_ReportAvailable.json": "a notification that a report is ready",
    "stripe/fixtures3_subset.json": "one object of each kind, not a list",
    "headers/alipay_gateway_responses.json": "answers of the gateway, tested in faults/test_https",
    "headers/wechat_v3_bill_response.json": "an answer of the API, tested in faults/test_https",
    "headers/wechat_v3_errors.json": "answers of the API, tested in faults/test_https",
    "headers/confirmo_payout_fee_modes.txt": "who pays for a payout",
    "headers/btcpay_headers.txt": "headers of several reports; see below",
    "headers/etherscan_headers.txt": "headers of several exports; see below",
    "headers/tronscan_headers.txt": "a header; see below",
    "bank/mt940/amount_formats.sta": "balances only: no :20:, so no statement begins",
    "bank/mt940/sparkassen.sta": "one entry only: no :20:, so no statement begins",
    "bank/csv/deg_cmb.csv": "described by a configuration, in test_mapped",
    "bank/csv/deg_icbc.csv": "described by a configuration, in test_mapped",
}
# Statements that nobody can read, and what is said of them.
REFUSED = {"bank/camt053/genkgo_camt053.v2.wrong.xml": "has no statement in it"}

# (lines, rejects, control totals that are off): what the provenance says of files cut by hand.
CUT = {
    "adyen/settlement_detail_report_chargeback.csv": (3, 0, 1),
    "adyen/settlement_detail_report_deposit_correction.csv": (2, 0, 1),
    "adyen/settlement_detail_report_donation-ideal.csv": (2, 0, 1),
    "adyen/settlement_detail_report_refund.csv": (3, 0, 1),
    "alipay/alipay_account_2012-12-29_detail_excerpt_masked.utf8.csv": (3, 0, 2),
    "alipay/alipay_trade_2026-06-05_detail_synthetic.utf8.csv": (3, 0, 2),
    "bank/camt053/iso20022js_gs_us_v2.xml": (15, 0, 2),
    "bank/camt053/oca_test-camt053.xml": (4, 0, 1),
    "bank/mt940/abnamro.sta": (10, 0, 2),
    "bank/mt940/ing.sta": (7, 0, 1),
    "bank/mt940/multiline.sta": (2, 0, 1),
    "paypal/stl.csv": (5, 0, 14),
    "paypal/stl_dr_payment.csv": (2, 0, 1),
    "paypal/trr_express_with_non_data_rows.csv": (1, 0, 3),
    "headers/antom_settlement_summary_header.csv": (0, 0, 0),  # a header only
    "headers/antom_wap_hk_settlement_batch_example.csv": (0, 0, 3),  # of files that are not here
    "stripe/settlement_report.csv": (6, 1, 1),  # the peer's own payout row
    "wechatpay/wechat_v3_fundflowbill_BASIC_2021-02-01_rows_truncated.csv": (2, 0, 3),
    "wechatpay/wxjava_fixture_REFUND_anonymised_rowstruncated.csv": (1, 0, 4),
}

# Whose statement it is, where only who fetched it knows.
ACCOUNTS = {"headers/trongrid_trc20_item.json": "TYE218dMfzo2TH348AbKyHD2G8PjGo7ESS"}


def all_files() -> list[str]:
    """Every file there is; one name that is not there where the folder is not."""
    found = [path for path in SHARED_SAMPLES.rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(SHARED_SAMPLES)) for path in found) or ["any"]


def content(name: str) -> Content:
    return content_of(shared_samples(name).read_bytes(), Path(name).name)


@cache
def made(name: str) -> dict[str, pl.DataFrame]:
    """Lines in the order of the file, rejects and control totals."""
    reading = read(content(name), ACCOUNTS.get(name))
    frames = pl.collect_all([reading.lines, reading.rejects, reading.controls])
    found = dict(zip(("lines", "rejects", "controls"), frames, strict=True))
    return found | {"lines": found["lines"].sort("line_no")}


def off(controls: pl.DataFrame) -> pl.DataFrame:
    return controls.filter(pl.col("stated") != pl.col("computed"))


def expected(provider: str) -> list[dict[str, Any]]:
    files = json.loads(shared_samples("expected.json").read_text("utf-8"))["files"]
    return [file for file in files if file["provider"] == provider]


def bank_expected() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(shared_samples("bank/expected.json").read_text("utf-8"))
    return facts


@pytest.mark.parametrize("name", all_files())
def test_every_file_is_a_statement_that_is_read_or_listed_with_its_reason(name: str) -> None:
    found = content(name)
    if name in NO_STATEMENT:
        with pytest.raises(StatementError, match="no provider knows this format"):
            identify(found, providers())
        return
    provider, _ = identify(found, providers())
    assert provider.slug == name.split("/")[0] or name.startswith("headers/")
    if name in REFUSED:
        with pytest.raises(StatementError, match=REFUSED[name]):
            made(name)
        return
    frames = made(name)
    counts = (frames["lines"].height, frames["rejects"].height, off(frames["controls"]).height)
    assert counts == CUT.get(name, (frames["lines"].height, 0, 0))
    assert frames["lines"].height > 0 or name in CUT


# ------------------------------------------------------------- what an independent reading has


def test_adyen_row_by_row() -> None:
    files = [file for file in expected("adyen") if "derived_rows" in file]
    assert len(files) == 7
    for file in files:
        frames = made(file["file"])
        for line, row in zip(frames["lines"].to_dicts(), file["derived_rows"], strict=True):
            money = [line["net"], -line["fee"], line["gross"]]
            assert money == [Decimal(row[name]) for name in ("net", "fee_nc", "settled_total")]
            assert line["line_no"] == row["row"]
            assert line["occurred_at"].timestamp() == row["date"]
            assert (line["batch_id"], line["currency"]) == (row["batch"], row["net_currency"])
        nets = dict(frames["controls"].select("currency", "computed").rows())
        stated = {code: Decimal(net) for code, net in file["batch_nets_to_zero"].items()}
        assert nets == stated, file["file"]  # most were cut by hand


def test_adyen_payments_accounting() -> None:
    (file,) = [file for file in expected("adyen") if "payments_accounting" in file["file"]]
    (wanted,) = [record["normalized"] for record in file["records"]]
    frames = made(file["file"])
    (moved,) = frames["lines"].filter(pl.col("gross") != 0).to_dicts()
    money = [moved[name] for name in ("gross", "fee", "net")]
    assert money == [Decimal("10.40"), Decimal("0.38"), Decimal(wanted["settled_net"])]
    assert (moved["txn_id"], moved["merchant_ref"]) == (wanted["txn_id"], wanted["order_id"])
    assert moved["original_amount"] == Decimal(wanted["original_total"])
    assert moved["occurred_at"].timestamp() == wanted["settled_date"]
    assert moved["payment_method"] == "googlepay:nyce"
    others = frames["lines"].filter(pl.col("gross") == 0)
    assert others["description"].to_list() == ["Received", "SentForSettle", "Authorised"]
    assert set(others["status"]) == {"pending"}


def test_paypal_row_by_row() -> None:
    files = expected("paypal")
    assert len(files) == 8
    for file in files:
        lines = made(file["file"])["lines"]
        for line, row in zip(lines.to_dicts(), file["derived_rows"], strict=True):
            voided = row["status"] == "V"
            found = [line[name] for name in ("line_no", "txn_id", "currency", "fee", "net")]
            net = Decimal(0 if voided else row["net"])
            assert found == [row["row"], row["txn_id"], row["currency"], -Decimal(row["fee"]), net]
            assert line["occurred_at"].timestamp() == row["settled_date"]
            assert line["original_amount" if voided else "gross"] == Decimal(row["gross"])
            assert line["status"] == ("reversed" if voided else "succeeded")
    wrong = off(made("paypal/stl.csv")["controls"])  # its footers were cut by hand
    assert {("fee debits", "AUD"), ("gross debits", "GBP")} <= set(
        wrong.select("name", "currency").rows()
    )


def test_stripe_row_by_row() -> None:
    files = expected("stripe")
    assert len(files) == 2
    for file in files:
        frames = made(file["file"])
        wrong = file["rows_where_gross_minus_fee_ne_net"]
        assert frames["rejects"]["line_no"].to_list() == wrong
        rows = [row for row in file["derived_rows"] if row["row"] not in wrong]
        for line, row in zip(frames["lines"].to_dicts(), rows, strict=True):
            money = [line[name] for name in ("gross", "fee", "net")]
            assert money == [Decimal(row[name]) for name in ("gross", "fee", "net")]
            assert (line["line_no"], line["currency"]) == (row["row"], row["currency"])
            assert line["occurred_at"].timestamp() == row["date"]


def test_every_payout_of_stripes_api_adds_up_and_a_failed_one_comes_back_later() -> None:
    frames = made("stripe/payouts_with_balance_transactions.json")
    assert frames["controls"].height == 3
    failed = frames["lines"].filter(kind="payout_reversal").row(0, named=True)
    payouts = frames["lines"].filter(kind="payout", txn_id=failed["txn_id"]).row(0, named=True)
    assert failed["net"] == -payouts["net"]
    assert failed["batch_id"] != payouts["batch_id"]


def test_alipay_whose_refund_is_written_without_a_sign() -> None:
    trade = made("alipay/alipay_trade_2026-06-05_detail_synthetic.utf8.csv")
    assert trade["lines"]["gross"].sum() == Decimal("9.89")
    assert trade["controls"]["computed"].to_list()[1] == Decimal("9.91")
    account = made("alipay/alipay_account_2012-12-29_detail_excerpt_masked.utf8.csv")
    assert account["lines"]["net"].sum() == 3778


def test_mt940_as_another_reader_has_it() -> None:
    seen = 0
    for name, facts in bank_expected().items():
        computed = facts.get("computed_mt940_5_1_1_options_all")
        if not computed:
            continue
        seen += 1
        frames = made(f"bank/{name}")
        ties = off(frames["controls"]).is_empty()
        if isinstance(computed, dict):
            counted = (computed["n_statements"], computed["n_transactions"])
            assert (frames["controls"].height, frames["lines"].height) == counted
            assert ties == computed["all_tie"]
            continue
        assert frames["lines"].height == sum(one["n"] for one in computed)
        total = sum((Decimal(one["sum"]) for one in computed), Decimal(0))
        assert frames["lines"]["net"].sum() == total
        assert ties == all(one["ties"] for one in computed), name
    assert seen == 8


def test_camt053_as_other_readers_have_it() -> None:
    facts = bank_expected()
    oca = facts["camt053/oca_test-camt053.xml"]["repo_golden"]["statements"][0]
    wanted = [Decimal(str(one["amount"])) for one in oca["transactions"]]
    assert sorted(made("bank/camt053/oca_test-camt053.xml")["lines"]["net"]) == sorted(wanted)
    for version in ("v2.minimal", "v4", "v8"):
        name = f"camt053/genkgo_camt053.{version}.xml"
        (entry,) = facts[name]["repo_golden"]["entries"]
        minor = Decimal(entry["amount"].split(" ")[0])
        assert made(f"bank/{name}")["lines"]["net"].to_list() == [minor / 100]
    several = made("bank/camt053/genkgo_camt053.v2.multi.statement.xml")
    assert several["controls"].height == 2


def test_the_headers_that_vendors_document_are_known() -> None:
    def documented(name: str) -> dict[str, str]:
        lines = shared_samples(f"headers/{name}").read_text("utf-8").splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    antom = shared_samples("headers/antom_settlement_summary_header.csv").read_text("utf-8")
    headers = {
        "antom_summary": antom,
        "etherscan_native": documented("etherscan_headers.txt")["transactions"],
        "etherscan_internal": documented("etherscan_headers.txt")["internal"],
        "etherscan_erc20": documented("etherscan_headers.txt")["erc20"],
        "btcpay_payments": documented("btcpay_headers.txt")["payments"],
        "tronscan_trc20": documented("tronscan_headers.txt")["token_transfer_export (old UI)"],
    }
    for kind, header in headers.items():
        _, description = identify(content_of(f"{header.strip()}\n".encode()), providers())
        assert description.kind == kind
