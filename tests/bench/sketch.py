"""The same tables by a bare sketch in Polars: lines of 23 columns and matches of 8, unchecked.

`python -m tests.bench.sketch BILL.csv LEDGER.parquet OUT` prints its figures as JSON. It looks at
no digit, rejects no row, adds nothing up and tries one key. What it takes of the yardstick is about
the least that these tables can cost; what our core takes beyond it is the price of being exact.
"""

import sys
from datetime import timedelta
from pathlib import Path

import polars as pl

from recon.money import MONEY
from recon.tables import MATCH, STATEMENT_LINE
from tests.bench.clock import Clock

_IS_REFUND = pl.col("交易状态") == "REFUND,"


def _text(column: str) -> pl.Expr:
    return pl.col(column).str.strip_suffix(",")


def _money(column: str) -> pl.Expr:
    return _text(column).cast(MONEY, strict=False)


def _either(refund: pl.Expr, payment: pl.Expr | None = None) -> pl.Expr:
    return pl.when(_IS_REFUND).then(refund).otherwise(payment)


def lines(bill: str, account: str, file_id: str, day: str) -> pl.LazyFrame:
    """STATEMENT_LINE of a WeChat Pay bill, if all is as it should be."""
    with Path(bill).open(encoding="utf-8-sig") as file:
        header = file.readline().strip().split(",")
    cells = pl.scan_csv(
        bill,
        has_header=False,
        skip_lines=1,
        schema=dict.fromkeys(["before", *header], pl.String()),
        separator="`",
        quote_char=None,
        truncate_ragged_lines=True,
        missing_columns="insert",
        row_index_name="line_no",
        row_index_offset=2,
    ).filter(pl.col("交易状态").is_in(["SUCCESS,", "REFUND,"]))
    known = cells.select(
        "line_no",
        provider=pl.lit("wechatpay"),
        account=pl.lit(account),
        file_id=pl.lit(file_id),
        batch_id=pl.lit(day),
        occurred_at=_text("交易时间").str.to_datetime(time_unit="us", strict=False),
        kind=_either(pl.lit("refund"), pl.lit("payment")),
        txn_id=_either(_text("微信退款单号"), _text("微信订单号")),
        merchant_ref=_either(_text("商户退款单号"), _text("商户订单号")),
        parent_txn_id=_either(_text("微信订单号")),
        parent_ref=_either(_text("商户订单号")),
        payment_method=_text("交易类型"),
        currency=_text("货币种类"),
        gross=_either(-_money("退款金额"), _money("应结订单金额")),
        fee=_money("手续费"),
        original_amount=_either(-_money("申请退款金额"), _money("订单金额")),
        status=pl.lit("succeeded"),
        description=_text("商品名称"),
    ).with_columns(
        line_id=pl.concat_str([pl.lit("wechatpay"), "account", "kind", "txn_id"], separator=":"),
        occurred_at=(pl.col("occurred_at") - timedelta(hours=8)).dt.replace_time_zone("UTC"),
        business_date=pl.col("occurred_at").dt.date(),  # of Beijing
        net=pl.col("gross") - pl.col("fee"),
        original_currency="currency",
        exchange_rate=pl.lit(None),
    )
    return known.select(pl.col(name).cast(dtype) for name, dtype in STATEMENT_LINE.items())


def matches(stored: pl.LazyFrame, ledger: str) -> pl.LazyFrame:
    """MATCH by one key, whose hash is taken at its word; what is off has no cardinality."""
    key = pl.struct("kind", "merchant_ref").hash().alias("key")
    ours = stored.select("line_id", "currency", "gross", key)
    theirs = pl.scan_parquet(ledger).select("entry_id", "amount", key, booked=pl.col("currency"))
    agrees = (pl.col("currency") == pl.col("booked")) & (pl.col("gross") == pl.col("amount"))
    return (
        ours.join(theirs, on="key", how="full")
        .with_columns(
            pl.lit(1).alias("pass"),
            match_id="entry_id",
            rule=pl.lit("merchant reference"),
            cardinality=pl.when(agrees).then(pl.lit("1:1")),
            allocated="gross",
            residual=pl.lit(0),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in MATCH.items())
    )


def main(bill: str, ledger: str, out: str) -> None:
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    _write(lines(bill, "1600000001", "0" * 64, "2026-11-20"), folder / "lines.parquet")
    _write(matches(pl.scan_parquet(folder / "lines.parquet"), ledger), folder / "matches.parquet")
    print(clock.figures())


def _write(frame: pl.LazyFrame, path: Path) -> None:
    frame.sink_parquet(path, compression="lz4", statistics=False, row_group_size=64 * 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
