"""The shipped samples: three days of two accounts, in which every kind of discrepancy occurs."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from tests.generator.day import generate_day
from tests.generator.spec import ACCOUNT, DaySpec, GeneratedDay
from tests.generator.writing import labels_csv, ledger_csv

FOLDER: Final = Path(__file__).parents[2] / "sample_statements"
SEED: Final = 20261120
DAYS: Final = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))
ROWS: Final = {"wechatpay": 96, "paypal": 84}
_OVERNIGHT = 2  # payments at each midnight whose two sides are dated a day apart

# One-sided ones are reported a day later, so those of the last day are open when the samples end.
PLANTS: Final[dict[str, tuple[Mapping[str, int], ...]]] = {
    "wechatpay": (
        {
            "missing_in_ledger": 1,
            "missing_in_provider": 1,
            "amount_mismatch": 1,
            "fee_variance": 1,
        },
        {
            "missing_in_ledger": 2,
            "missing_in_provider": 2,
            "status_mismatch": 1,
            "duplicate_in_provider": 1,
        },
        {
            "missing_in_ledger": 1,
            "missing_in_provider": 1,
            "amount_mismatch": 2,
            "currency_mismatch": 1,
            "status_mismatch": 1,
            "direction_mismatch": 1,
            "reference_mismatch": 1,
            "duplicate_in_provider": 1,
            "duplicate_in_ledger": 1,
            "ambiguous_match": 1,
            "fee_variance": 2,
            "unmapped_row": 1,
        },
    ),
    "paypal": (
        {},  # a day to be proved without a single difference
        {
            "missing_in_ledger": 2,
            "missing_in_provider": 2,
            "amount_mismatch": 1,
            "refund_unlinked": 1,
            "chargeback_unrecorded": 1,
            "fee_variance": 1,
        },
        {
            "missing_in_ledger": 1,
            "missing_in_provider": 1,
            "amount_mismatch": 2,
            "currency_mismatch": 1,
            "status_mismatch": 1,
            "direction_mismatch": 1,
            "reference_mismatch": 1,
            "duplicate_in_provider": 1,
            "duplicate_in_ledger": 1,
            "ambiguous_match": 1,
            "fee_variance": 2,
            "withdrawal_charge_variance": 1,
        },
    ),
}


def sample_days(provider: str) -> list[GeneratedDay]:
    """The days of one provider; each opens with the balances the one before closes with."""
    days: list[GeneratedDay] = []
    for business_date, plants in zip(DAYS, PLANTS[provider], strict=True):
        spec = DaySpec(
            provider=provider,
            account=ACCOUNT[provider],
            business_date=business_date,
            rows=ROWS[provider],
            seed=SEED,
            plants=plants,
            opening_balances=days[-1].closing_balances if days else None,
            carry_in=_OVERNIGHT if days else 0,
            carry_out=_OVERNIGHT,
        )
        days.append(generate_day(spec))
    return days


def sample_files() -> dict[str, bytes]:
    """Every file of sample_statements/ that the generator makes, by its path there."""
    days = [day for provider in ROWS for day in sample_days(provider)]
    made = {f"{day.spec.provider}/{name}": data for day in days for name, data in day.files.items()}
    ledger = pl.concat([day.ledger for day in days]).sort("business_date", "entry_id")
    labels = pl.concat([day.labels for day in days]).filter(pl.col("business_date") <= DAYS[-1])
    labels = labels.sort("business_date", "provider", "type", "txn_id", "merchant_ref")
    made["ledger/ledger.csv"] = ledger_csv(ledger)
    made["labels.csv"] = labels_csv(labels)
    made["README.md"] = _readme(days, labels).encode()
    return made


def _readme(days: list[GeneratedDay], labels: pl.DataFrame) -> str:
    rows = [
        f"| {day.spec.business_date} | {day.spec.provider} | {day.spec.rows} | "
        f"{day.ledger.height} | {_found(labels, day)} | {day.carried.height} |"
        for day in sorted(days, key=lambda day: (day.spec.business_date, day.spec.provider))
    ]
    return _README.format(rows="\n".join(rows), seed=SEED)


def _found(labels: pl.DataFrame, day: GeneratedDay) -> str:
    of_run = labels.filter(
        provider=day.spec.provider, account=day.spec.account, business_date=day.spec.business_date
    )
    counted = of_run.group_by("type").len().sort("type")
    return ", ".join(f"{name} {count}" for name, count in counted.iter_rows()) or "none"


_README: Final = """\
# Sample statements

**Everything here is invented.** No order, payer, account or amount is anyone's; only the layouts
are those of real statements. The files are made by `tests/generator` with seed {seed}, and made
again, byte for byte, by

```
python -m tests.generator samples
```

| path | what it is |
|---|---|
| `wechatpay/*_trade_all_*.csv` | WeChat Pay trade bills (交易账单, ALL) of API v3 |
| `wechatpay/*_fund_flow_*.csv` | WeChat Pay fund-flow bills (资金账单) of the same days |
| `paypal/STL-*.CSV` | PayPal settlement reports, version 009 |
| `ledger/ledger.csv` | what the company booked, for both accounts |
| `labels.csv` | the truth: every planted discrepancy that the three days must show |

`labels.csv` has one row a discrepancy: its type, the business date of the run that reports it, the
difference (provider - ledger, an absent side being 0; for fees charged - expected), the reference,
the provider's transaction id, and what was done. Nothing else differs in these files, so a run that
reports more, or less, is wrong.

Items with one side only wait a day for the other (`line_window_days`, `entry_window_days`), so they
are reported on the day after theirs; those of the last day are still open when the samples end. The
last column counts payments at midnight, whose two sides are dated a day apart: open on their day,
matched on the next, never a discrepancy.

| business date | provider | rows | entries | discrepancies of the run | carried overnight |
|---|---|---|---|---|---|
{rows}
"""
