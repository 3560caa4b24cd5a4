"""The fee schedules that runs have used, each kept once, under a digest of its rows.

A tariff file changes; what a run has charged and expected does not. So a line is explained by the
rows of its own run.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from recon.fees.schedule import Tariff
from recon.io.canonical import canonical_text, digest
from recon.io.database import Database
from recon.io.schema import FEE_SCHEDULES


def schedule_digest(rows: Sequence[Tariff]) -> str:
    return digest(_plain(rows))


def keep_schedule(database: Database, rows: Sequence[Tariff]) -> None:
    """Keep a schedule, unless it is there already."""
    schedule, number = FEE_SCHEDULES, schedule_digest(rows)
    is_there = sa.select(schedule.c.schedule_id).where(schedule.c.schedule_id == number)
    with database.connect() as connection:
        if connection.execute(is_there).first() is not None:
            return  # nearly always, and a writer would have to wait for its turn
    with database.begin() as connection:
        if connection.execute(is_there).first() is None:
            values = {"rows": canonical_text(_plain(rows)), "kept_at": datetime.now(UTC)}
            connection.execute(sa.insert(schedule).values(schedule_id=number, **values))


def kept_schedule(database: Database, number: str | None) -> list[Tariff] | None:
    """The rows of a schedule; None: it was not kept, by a run of an older program."""
    select = sa.select(FEE_SCHEDULES.c.rows).where(FEE_SCHEDULES.c.schedule_id == number)
    with database.connect() as connection:
        text = connection.execute(select).scalar()
    return None if text is None else _rows().validate_json(text)


def _plain(rows: Sequence[Tariff]) -> list[dict[str, Any]]:
    """In an order of its own, so that moving a row in the file changes nothing."""
    return sorted((asdict(row) for row in rows), key=canonical_text)


@cache
def _rows() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(list[Tariff])
