"""`python -m tests.bench.truth [--seeds N]`: precision and recall of every type, as a table.

Days in a row of each generated provider, and of one that pays into a bank account, in three sizes
and with many seeds, with everything planted that can be; the windows of the account vary with the
seed. Ends with 1 when anything that was planted is not found on its day, to the digit, when
anything else is found, or when a type was not planted at all.
"""

import argparse
import sys
import time

from recon.tables import DISCREPANCY_TYPES
from tests.generator import PLANTABLE
from tests.test_ground_truth import (
    Chain,
    days_of,
    found_in,
    measured,
    planted_in,
    truth_in_transit,
)

SIZES = (200, 1_000, 5_000)
WINDOWS = ((1, 1), (2, 1), (2, 2))
TRANSIT_DAYS = 9  # three of the provider, six of the bank


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.truth")
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    begun = time.perf_counter()
    pairs, day_count = [], 0
    for provider in sorted(PLANTABLE):
        for rows in SIZES:
            for seed in range(1, seeds + 1):
                days = days_of(Chain(provider, seed, *WINDOWS[seed % len(WINDOWS)], rows))
                pairs.append((planted_in(days), found_in(days)))
                day_count += len(days)
    for rows in SIZES:
        for seed in range(1, seeds + 1):
            pairs.append(truth_in_transit(seed, rows))
            day_count += TRANSIT_DAYS
    table = measured(pairs)
    sizes = ", ".join(f"{size:,}" for size in SIZES)
    print(f"{seeds} seeds, days of {sizes} rows, {day_count:,} days in all\n")
    print("| type | planted | found | precision | recall |\n|---|---:|---:|---:|---:|")
    for name, planted, found, precision, recall in table:
        print(f"| {name} | {planted:,} | {found:,} | {precision:.3f} | {recall:.3f} |")
    print(f"\n{time.perf_counter() - begun:,.0f} s")
    is_whole = {name for name, *_ in table} == set(DISCREPANCY_TYPES)
    is_right = all((precision, recall) == (1.0, 1.0) for *_, precision, recall in table)
    return 0 if is_whole and is_right else 1


if __name__ == "__main__":
    sys.exit(main())
