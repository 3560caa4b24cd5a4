"""What four more rules cost: matching by all shipped rules against one exact pass.

`python -m tests.bench.passes LINES.parquet LEDGER.parquet` prints its figures as JSON. Half the
rounds begin with the one, half with the other, and neither reads a file for the first time.
"""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from recon.io.config import load_config
from recon.matching import engine
from recon.matching.items import entry_items, line_items
from recon.matching.plain import plain_pairs
from recon.matching.rules import MatchRule
from recon.tables import LEDGER_ENTRY

_ROUNDS = 4


def main(lines: str, ledger: str) -> None:
    rules = load_config(Path("configs")).policy.rules
    exact = next(rule for rule in rules if rule.name == "merchant reference")
    entries = pl.read_parquet(ledger).select(
        pl.col(name).cast(dtype) for name, dtype in LEDGER_ENTRY.items()
    )
    sides = line_items(pl.scan_parquet(lines)), entry_items(entries.lazy())
    chosen = {"one": (exact,), "all": rules}
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    for turn in range(_ROUNDS + 1):
        for name in sorted(chosen, reverse=bool(turn % 2)):
            taken = _matched(sides, chosen[name])
            if turn:
                seconds[name].append(taken)
    one, every = (statistics.median(seconds[name]) for name in ("one", "all"))
    print(json.dumps({"passes": len(rules), "one": round(one, 2), "all": round(every, 2)}))


def _matched(sides: tuple[pl.LazyFrame, pl.LazyFrame], rules: Sequence[MatchRule]) -> float:
    begun = time.process_time()  # of both processors, so that what else they do hardly shows
    plain = plain_pairs(*sides, rules, 1)
    engine.match(plain.lines, plain.entries, rules, 1, plain.differing)
    return time.process_time() - begun


if __name__ == "__main__":
    main(*sys.argv[1:])
