"""Our own core on the same files: parse, normalise, match, classify; lines and matches in Parquet.

`python -m tests.bench.core BILL.csv LEDGER.parquet OUT` prints its figures as JSON.
"""

import sys
import time
from datetime import date
from pathlib import Path

import polars as pl

from recon.day import DayInput, Statement
from recon.io.config import load_config
from recon.io.inbox import content_of
from recon.io.store import ParquetStore
from recon.pipeline import run_day
from recon.providers import identify
from recon.results import StatementFile
from recon.tables import LEDGER_ENTRY, OPEN_ITEM, REJECT, empty
from tests.bench.clock import Clock


def main(bill: str, ledger: str, out: str, business_date: str) -> None:
    config = load_config(Path("configs"))
    content = content_of(Path(bill), Path(bill).name)
    clock = Clock()
    stages: dict[str, float] = {}

    def timed(name: str, stage):  # type: ignore[no-untyped-def]
        begun = time.perf_counter()
        result = stage()
        stages[name] = round(time.perf_counter() - begun, 2)
        return result

    provider, description = identify(content)
    account = next(a for a in config.accounts if a.provider == provider.slug)
    statement = Statement(
        StatementFile(content.file_id, content.name, description.kind),
        provider.kind(description.kind),
        content,
    )
    day = DayInput(
        account=account,
        provider=provider,
        business_date=date.fromisoformat(business_date),
        statements=(statement,),
        entries=pl.scan_parquet(ledger).select(
            pl.col(name).cast(dtype) for name, dtype in LEDGER_ENTRY.items()
        ),
        entry_rejects=empty(REJECT),
        open_items=empty(OPEN_ITEM),
    )
    result = run_day(day, config.policy, ParquetStore(Path(out)), timed)
    print(
        clock.figures(
            stages=stages,
            discrepancies=result.discrepancies.height,
            open=result.open_items.height,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
