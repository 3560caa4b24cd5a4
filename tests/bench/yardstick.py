"""The same work as good DuckDB SQL: parse a WeChat Pay bill, join it with a ledger, classify.

`python -m tests.bench.yardstick BILL.csv LEDGER.parquet OUT` prints its figures as JSON. It reads
the file with less care than we do: no rejects, no control totals, no check of the digits.
"""

import sys
from pathlib import Path

import duckdb

from tests.bench.clock import Clock

_PARSE = """
copy (
  with cells as (
    select ltrim("交易状态", '`') as state, ltrim("微信退款单号", '`') as refund_txn,
           ltrim("微信订单号", '`') as txn, ltrim("商户订单号", '`') as order_no,
           ltrim("商户退款单号", '`') as refund_no, ltrim("货币种类", '`') as currency,
           ltrim("交易时间", '`') as moment, ltrim("应结订单金额", '`') as settled,
           ltrim("退款金额", '`') as refunded, ltrim("手续费", '`') as charged
    from read_csv('{bill}', all_varchar = true, header = true, quote = '', strict_mode = false,
                  null_padding = true)
    where "交易时间" like '`____-__-__ %'
  ), typed as (
    select case state when 'REFUND' then refund_no else order_no end as merchant_ref,
           case when refund_txn in ('', '0') then txn else refund_txn end as txn_id,
           case state when 'SUCCESS' then 'payment' when 'REFUND' then 'refund' end as kind,
           currency, try_strptime(moment, '%Y-%m-%d %H:%M:%S') as occurred_at,
           case state when 'REFUND' then -try_cast(refunded as decimal(38, 18))
                      else try_cast(settled as decimal(38, 18)) end as gross,
           try_cast(charged as decimal(38, 18)) as fee
    from cells
  )
  select *, gross - fee as net from typed
) to '{out}/lines.parquet' (compression lz4)
"""

_MATCH = """
copy (
  select l.merchant_ref, e.merchant_ref as entry_ref, l.gross, e.amount,
    case when e.merchant_ref is null then 'missing_in_ledger'
         when l.merchant_ref is null then 'missing_in_provider'
         when l.currency <> e.currency then 'currency_mismatch'
         when l.gross <> e.amount then 'amount_mismatch'
         when round(l.gross::decimal(20, 2) * 0.006, 2) <> l.fee then 'fee_variance'
         else 'matched' end as verdict
  from '{out}/lines.parquet' l
  full join '{ledger}' e on l.merchant_ref = e.merchant_ref and l.kind = e.kind
) to '{out}/matches.parquet' (compression lz4)
"""


def main(bill: str, ledger: str, out: str) -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    clock = Clock()
    database = duckdb.connect()
    database.execute("set preserve_insertion_order = false")
    database.execute(_PARSE.format(bill=bill, out=out))
    database.execute(_MATCH.format(ledger=ledger, out=out))
    print(clock.figures())


if __name__ == "__main__":
    main(*sys.argv[1:])
