"""The shipped samples: three days of every provider, in which each kind of discrepancy occurs."""

from datetime import date
from pathlib import Path
from typing import Final

from tests.generator import rates
from tests.generator.sources import DAYS, SEED, SampleSet, all_sources
from tests.generator.writing import labels_csv, ledger_csv

FOLDER: Final = Path(__file__).parents[2] / "sample_statements"


def sample_files() -> dict[str, bytes]:
    """Every file of sample_statements/ that the generator makes, by its path there."""
    sources = all_sources()
    made: dict[str, bytes] = {}
    for source in sources:
        made |= {f"{source.slug}/{name}": data for name, data in source.files.items()}
        ledger = source.ledger.sort("business_date", "entry_id")
        labels = source.labels.sort("business_date", "provider", "type", "txn_id", "merchant_ref")
        made[f"ledger/{source.slug}.csv"] = ledger_csv(ledger)
        made[f"labels/{source.slug}.csv"] = labels_csv(labels)
    made["rates/eurofxref-hist.csv"] = rates.history_csv()
    made["README.md"] = _readme(sources).encode()
    return made


def _readme(sources: list[SampleSet]) -> str:
    described = [
        f"| `{source.slug}/{pattern}` | {what} |"
        for source in sources
        for pattern, what in source.described.items()
    ]
    rows = [
        f"| {day} | {source.slug} | {source.ledger.filter(business_date=day).height} | "
        f"{_found(source, day)} | {source.carried.filter(business_date=day).height} |"
        for day in DAYS
        for source in sources
    ]
    return _README.format(described="\n".join(described), rows="\n".join(rows), seed=SEED)


def _found(source: SampleSet, day: date) -> str:
    counted = source.labels.filter(business_date=day).group_by("type").len().sort("type")
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
{described}
| `other/*/*` | a few rows, made by hand, of every other kind of statement that is read |
| `ledger/*.csv` | what the company booked, by provider |
| `rates/eurofxref-hist.csv` | reference rates, in the layout of the European Central Bank |
| `labels/*.csv` | the truth: every planted discrepancy that the three days must show |

A label file has one row a discrepancy: its type, the business date of the run that reports it, the
difference (provider - ledger, an absent side being 0; for fees charged - expected), the reference,
the provider's transaction id, and what was done. Nothing else differs in these files, so a run that
reports more, or less, is wrong.

Items with one side only wait a day for the other (`line_window_days`, `entry_window_days`), so they
are reported on the day after theirs; those of the last day are still open when the samples end. The
last column counts payments at midnight, whose two sides are dated a day apart: open on their day,
matched on the next, never a discrepancy.

| business date | provider | entries | discrepancies of the run | carried overnight |
|---|---|---|---|---|
{rows}
"""
