"""A fee schedule that a run has used is kept, and read back as it was."""

from dataclasses import replace
from pathlib import Path

from recon.io.database import Database
from recon.io.fee_schedules import keep_schedule, kept_schedule, schedule_digest
from tests.fees.reading import vectors
from tests.support import shipped_config


def test_every_row_comes_back_as_it_was_kept_whatever_it_says(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/recon.db")
    rows = [*shipped_config().policy.tariffs, *(row for one in vectors() for row in one.tariffs)]
    for again in (rows, rows[::-1]):
        keep_schedule(database, again)
    kept = kept_schedule(database, schedule_digest(rows))
    assert kept is not None
    assert len(kept) == len(rows)
    assert set(kept) == set(rows)
    changed = [replace(rows[0], fixed=rows[0].fixed + 1), *rows[1:]]
    assert kept_schedule(database, schedule_digest(changed)) is None
