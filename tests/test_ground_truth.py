"""Precision and recall: each planted discrepancy is found on its day, to the digit; nothing else.

The generator knows the truth. `python -m tests.bench.truth` tries many more seeds and sizes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest

from recon.settings import AccountSettings
from recon.tables import DISCREPANCY_TYPES, LEDGER_ENTRY, OPEN_ITEM, conform, empty
from tests.generator import PLANTABLE, DaySpec, GeneratedDay, default_plants, generate_day
from tests.generator.samples import FOLDER
from tests.generator.sources import DAYS
from tests.generator.transit import PLANTED, transit_days
from tests.support import TODAY, account_of, run_files
from tests.transit import found_in_transit

OVERNIGHT = 4  # payments at each midnight whose two sides are dated a day apart
WHAT = ["type", "business_date", "currency", "difference", "merchant_ref", "txn_id"]


@dataclass(frozen=True)
class Chain:
    """Days in a row of one account; each starts with what the one before left open."""

    provider: str
    seed: int
    line_window_days: int = 1
    entry_window_days: int = 1
    rows: int = 200

    def __str__(self) -> str:
        return f"{self.provider} seed {self.seed}"


CHAINS = [
    Chain(provider, seed, *windows)
    for provider in sorted(PLANTABLE)
    for seed, windows in ((1, (1, 1)), (2, (2, 1)), (3, (2, 2)))
]


REJECTS = {"unmapped_row": 1, "validation_failed": 1}
# What happens to whole files, day by day. A balance is looked at where every row was understood,
# and a day without its statements finds nothing else.
MISHAPS = (
    REJECTS | {"control_total_mismatch": 1},
    REJECTS,
    {"balance_mismatch": 1, "file_duplicate": 1},
    {"file_missing": 1},
)


def days_of(chain: Chain) -> list[GeneratedDay]:
    usual = default_plants(chain.provider, chain.rows)
    if chain.line_window_days > 1:
        usual |= {"date_mismatch": 1}
    days: list[GeneratedDay] = []
    for offset, mishaps in enumerate(MISHAPS):
        usually = {} if "file_missing" in mishaps else usual
        possible = {n: count for n, count in mishaps.items() if n in PLANTABLE[chain.provider]}
        spec = DaySpec(
            provider=chain.provider,
            account=account_of(chain.provider).account,
            business_date=TODAY + timedelta(days=offset),
            rows=chain.rows,
            seed=chain.seed,
            plants=usually | possible,
            opening_balances=days[-1].closing_balances if days else None,
            carry_in=OVERNIGHT if days else 0,
            carry_out=0 if "file_missing" in mishaps else OVERNIGHT,
            line_window_days=chain.line_window_days,
            entry_window_days=chain.entry_window_days,
        )
        days.append(generate_day(spec))
    return days


def found_in(days: Sequence[GeneratedDay]) -> pl.DataFrame:
    """The discrepancies of all days."""
    spec = days[0].spec
    account = account_of(
        spec.provider,
        line_window_days=spec.line_window_days,
        entry_window_days=spec.entry_window_days,
    )
    files = {day.spec.business_date: day.files for day in days}
    return found_in_files(account, files, pl.concat([day.ledger for day in days]))


def found_in_files(
    account: AccountSettings, files: Mapping[date, Mapping[str, bytes]], ledger: pl.DataFrame
) -> pl.DataFrame:
    """The discrepancies of days in a row, each run with what the one before left open."""
    left, found = empty(OPEN_ITEM), []
    for business_date, of_day in files.items():
        result = run_files(account, business_date, of_day, ledger, open_items=left)
        left = result.open_items
        found.append(result.discrepancies)
    return pl.concat(found).select(WHAT)


def planted_in(days: Sequence[GeneratedDay]) -> pl.DataFrame:
    """What the runs of these days must report; without a statement at all, everything waits."""
    *before, last = days
    labels = pl.concat([day.labels for day in before])
    due = pl.col("business_date")
    until = due <= last.spec.business_date if last.files else due < last.spec.business_date
    return as_reported(pl.concat([labels.filter(until), last.labels]))


def as_reported(labels: pl.DataFrame) -> pl.DataFrame:
    """Nobody can tell ids and currency of a row that was rejected."""
    told = ~pl.col("type").is_in(list(REJECTS))
    ids = [pl.when(told).then(name).alias(name) for name in ("currency", "merchant_ref", "txn_id")]
    return labels.with_columns(ids).select(WHAT)


@cache
def truth_and_finding(chain: Chain) -> tuple[pl.DataFrame, pl.DataFrame]:
    days = days_of(chain)
    return planted_in(days), found_in(days)


def hits(planted: pl.DataFrame, found: pl.DataFrame) -> int:
    """How many are in both, equal ones counted as often as they occur in both."""
    counted = [frame.group_by(WHAT).len() for frame in (planted, found)]
    both = counted[0].join(counted[1], on=WHAT, how="inner", nulls_equal=True)
    return int(both.select(pl.min_horizontal("len", "len_right").sum()).item())


def measured(pairs: Sequence[tuple[pl.DataFrame, pl.DataFrame]]) -> list[tuple[Any, ...]]:
    """Of planted and found: type, how many were planted, found, precision and recall."""
    planted, found = (pl.concat(frames) for frames in zip(*pairs, strict=True))
    rows = []
    for name in sorted(set(planted["type"]) | set(found["type"])):
        truth, finding = planted.filter(type=name), found.filter(type=name)
        hit = hits(truth, finding)
        ratios = (hit / of.height if of.height else 0.0 for of in (finding, truth))
        rows.append((name, truth.height, finding.height, *ratios))
    return rows


def assert_all_found(planted: pl.DataFrame, found: pl.DataFrame) -> None:
    missed = planted.join(found, on=WHAT, how="anti", nulls_equal=True)
    invented = found.join(planted, on=WHAT, how="anti", nulls_equal=True)
    assert not missed.height, f"planted, not found: {missed.rows()}"
    assert not invented.height, f"found, not planted: {invented.rows()}"
    assert hits(planted, found) == planted.height == found.height


@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_what_was_planted_is_found_and_nothing_else(chain: Chain) -> None:
    assert_all_found(*truth_and_finding(chain))


TRANSIT_SEEDS = (1, 2)


@cache
def truth_in_transit(seed: int, rows: int = 200) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Planted and found where a provider pays into a bank account."""
    made = transit_days(seed, rows, TODAY - timedelta(days=4))
    return made.labels.select(WHAT), found_in_transit(made).select(WHAT)


@pytest.mark.parametrize("seed", TRANSIT_SEEDS)
def test_what_was_planted_on_the_way_to_the_bank_is_found_and_nothing_else(seed: int) -> None:
    assert_all_found(*truth_in_transit(seed))


def test_every_type_there_is_can_be_planted() -> None:
    somewhere = {name for plants in PLANTABLE.values() for name in plants} | set(PLANTED)
    assert somewhere == set(DISCREPANCY_TYPES)


@pytest.mark.parametrize("provider", sorted(PLANTABLE))
def test_every_type_that_can_be_planted_was_tried(provider: str) -> None:
    planted = {
        name
        for chain in CHAINS
        if chain.provider == provider
        for name in truth_and_finding(chain)[0]["type"]
    }
    assert planted == set(PLANTABLE[provider])


def test_precision_and_recall_are_one() -> None:
    pairs = [truth_and_finding(chain) for chain in CHAINS]
    rows = measured([*pairs, *map(truth_in_transit, TRANSIT_SEEDS)])
    assert {name for name, *_ in rows} == set(DISCREPANCY_TYPES)
    assert {(precision, recall) for *_, precision, recall in rows} == {(1.0, 1.0)}


def shipped(path: str) -> pl.DataFrame:
    texts = pl.read_csv(FOLDER / path, infer_schema=False)
    amount = pl.col("^amount|difference$").str.to_decimal(scale=18)
    return texts.with_columns(amount, pl.col("business_date").str.to_date())


@pytest.mark.parametrize("provider", sorted(PLANTABLE))
def test_the_labels_of_the_shipped_samples_are_found_in_the_shipped_files(provider: str) -> None:
    files = {
        day: {
            path.name: path.read_bytes()
            for path in sorted((FOLDER / provider).iterdir())
            if ".golden." not in path.name
            and (day.isoformat() in path.name or f"{day:%Y%m%d}" in path.name)
        }
        for day in DAYS
    }
    ledger = conform(shipped(f"ledger/{provider}.csv").drop("booked_at"), LEDGER_ENTRY)
    planted = as_reported(shipped(f"labels/{provider}.csv"))
    assert planted.height > 10
    assert_all_found(planted, found_in_files(account_of(provider), files, ledger))
