"""`python -m tests.bench.truth [--seeds N]`: precision and recall of every type, as a table.

Three days in a row of each generated provider, in three sizes and with many seeds, with everything
planted that can be; the windows of the account vary with the seed. Ends with 1 when anything that
was planted is not found on its day, to the digit, or anything else is found.
"""

import argparse
import sys
import time

from tests.generator import PLANTABLE
from tests.test_ground_truth import Chain, days_of, found_in, measured, planted_in

SIZES = (200, 1_000, 5_000)
WINDOWS = ((1, 1), (2, 1), (2, 2))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.truth")
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    begun = time.perf_counter()
    pairs = []
    for provider in sorted(PLANTABLE):
        for rows in SIZES:
            for seed in range(1, seeds + 1):
                days = days_of(Chain(provider, seed, *WINDOWS[seed % len(WINDOWS)], rows))
                pairs.append((planted_in(days), found_in(days)))
    table = measured(pairs)
    sizes = ", ".join(f"{size:,}" for size in SIZES)
    print(f"{seeds} seeds, days of {sizes} rows, {len(pairs) * 3} days in all\n")
    print("| type | planted | found | precision | recall |\n|---|---:|---:|---:|---:|")
    for name, planted, found, precision, recall in table:
        print(f"| {name} | {planted:,} | {found:,} | {precision:.3f} | {recall:.3f} |")
    print(f"\n{time.perf_counter() - begun:,.0f} s")
    return int(any((precision, recall) != (1.0, 1.0) for *_, precision, recall in table))


if __name__ == "__main__":
    sys.exit(main())
