"""Frames to the CSV text that `recon ledger import` and people read."""

from pathlib import Path

import polars as pl

from tests.generator.amounts import plain_text
from tests.generator.spec import GeneratedDay


def ledger_csv(ledger: pl.DataFrame) -> bytes:
    """LEDGER_ENTRY with plain amounts and instants as ISO 8601 in UTC."""
    return _csv(
        ledger.with_columns(
            booked_at=pl.col("booked_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ"),
            amount=plain_text(pl.col("amount"), pl.col("currency")),
        )
    )


def labels_csv(labels: pl.DataFrame) -> bytes:
    return _csv(
        labels.with_columns(difference=plain_text(pl.col("difference"), pl.col("currency")))
    )


def carried_csv(carried: pl.DataFrame) -> bytes:
    return _csv(carried.with_columns(amount=plain_text(pl.col("amount"), pl.col("currency"))))


def _csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv(line_terminator="\n").encode()


def write_files(files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_day(day: GeneratedDay, folder: Path) -> list[Path]:
    """The statements, the ledger as Parquet and CSV, and the truth. Answers the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in day.files.items():
        (folder / name).write_bytes(data)
    day.ledger.write_parquet(folder / "ledger.parquet")
    (folder / "ledger.csv").write_bytes(ledger_csv(day.ledger))
    (folder / "labels.csv").write_bytes(labels_csv(day.labels))
    (folder / "carried.csv").write_bytes(carried_csv(day.carried))
    made = [*day.files, "ledger.parquet", "ledger.csv", "labels.csv", "carried.csv"]
    return [folder / name for name in made]
