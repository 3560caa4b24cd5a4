"""`python -m tests.bench.fees [--rows N]`: what assessing fees costs, as a share of parsing.

A day of WeChat Pay is parsed to canonical lines, then assessed by the shipped schedule and by one
with everything in it: tiers by the month, a promotion, a surcharge and tax. The limit is that of
the issue that asked for it, for both; the command fails above it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from recon.day import DayInput, Policy, Statement
from recon.discrepancies import Day
from recon.fees.schedule import Tariff, Tier
from recon.io.config import load_config
from recon.io.inbox import content_of
from recon.io.store import ParquetStore
from recon.normalization import normalize
from recon.pipeline import fees
from recon.providers import identify
from recon.results import StatementFile
from recon.tables import LEDGER_ENTRY, OPEN_ITEM, REJECT, empty
from tests.bench.__main__ import DAY, generate

LIMIT = 0.5
ROUNDS = 3


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.fees")
    arguments.add_argument("--rows", type=int, default=2_000_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as name:
        place = Path(name)
        bill, _ = generate(place, chosen.rows)
        return compare(bill, place / "store")


def compare(bill: Path, store: Path) -> int:
    config = load_config(Path("configs"))
    content = content_of(bill, bill.name)
    provider, description = identify(content)
    account = next(one for one in config.accounts if one.provider == provider.slug)
    file = StatementFile(content.file_id, content.name, description.kind)
    day = DayInput(
        account=account,
        provider=provider,
        business_date=date.fromisoformat(DAY),
        statements=(Statement(file, provider.kind(description.kind), content),),
        entries=empty(LEDGER_ENTRY).lazy(),
        entry_rejects=empty(REJECT),
        open_items=empty(OPEN_ITEM),
    )
    whose = Day(account.provider, account.account, day.business_date, config.policy.severity)
    policies = {
        "shipped schedule": config.policy,
        "everything in it": replace(config.policy, tariffs=everything(config.policy)),
    }
    parsing, took = list[float](), {name: list[float]() for name in policies}
    for _ in range(ROUNDS):
        seconds, normalized = timed(lambda: normalize(day, ParquetStore(store)))
        parsing.append(seconds)
        for name, policy in policies.items():
            seconds, _costs = timed(partial(fees, day, policy, whose, normalized))
            took[name].append(seconds)
    base = statistics.median(parsing)
    ratios = {name: statistics.median(some) / base for name, some in took.items()}
    print(f"{'':24}{'seconds':>9}{'ratio':>8}{'limit':>8}")
    print(f"{'parsing':24}{base:9.2f}{1:8.2f}")
    for name, ratio in ratios.items():
        print(f"{name:24}{statistics.median(took[name]):9.2f}{ratio:8.2f}{LIMIT:8.2f}")
    within = max(ratios.values()) <= LIMIT
    print("within the limit" if within else "NOT within the limit")
    return 0 if within else 1


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def everything(policy: Policy) -> tuple[Tariff, ...]:
    """The shipped rows with tiers by the month and tax, a promotion before, a surcharge on top."""
    first = next(row for row in policy.tariffs if row.name == "WX standard 0.6%")
    tiers = (Tier(Decimal("0.6"), up_to=Decimal(10**7)), Tier(Decimal("0.5")))
    tiered = replace(first, percent=Decimal(0), tiers=tiers, tier_by="month_amount",
                     tier_mode="marginal", tax_percent=Decimal(6))  # fmt: skip
    tiered = replace(tiered, tolerance=Decimal(10**9))  # the bill is not charged by it
    welcome = replace(tiered, tiers=(), name="welcome", promotion=True, quota_count=100_000)
    extra = replace(first, name="extra", surcharge=True, percent=Decimal("0.05"))
    others = tuple(
        replace(row, tolerance=tiered.tolerance) if row.account == first.account else row
        for row in policy.tariffs
        if row != first
    )
    return (tiered, welcome, extra, *others)


if __name__ == "__main__":
    sys.exit(main())
