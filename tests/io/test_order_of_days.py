"""Days of a range may be run in any order: with --cascade they end as if run one after the other.

Tried with accounts that pay into a bank account, and that account, in every order three days have.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recon.cli import invoke
from recon.io import jobs, reports
from recon.io.config import load_config
from recon.io.control_schema import CASES
from recon.io.days import Workspace
from recon.io.schema import DISCREPANCIES, OPEN_ITEMS, RUNS
from recon.periods import one_day
from tests.support import copy_place

DAYS = tuple(date(2026, 11, day) for day in (18, 19, 20))
ORDERS = list(permutations(DAYS))[1:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Statements received and entries imported, and no day run."""
    place = tmp_path_factory.mktemp("place")
    ledgers = copy_place(place, "adyen", "alipay", "bank")
    where = ["--config", f"{place}/configs", "--workspace", f"{place}/workspace"]
    assert invoke(["ledger", "import", *map(str, ledgers), *where]) == 0
    assert invoke(["run", "--date", "2026-11-01", *where]) in (0, 3)  # fetches all there is
    shutil.rmtree(place / "workspace" / "reports")
    return place


def after(made: Path, place: Path, order: Sequence[date]) -> dict[str, Any]:
    """Everything the current runs say, after the days were run in this order."""
    shutil.copytree(made, place)
    workspace = Workspace.open(place / "workspace", load_config(place / "configs"), "anna")
    accounts = workspace.config.accounts
    for day in order:
        report = jobs.run_period(workspace, accounts, one_day(day), fetch=False, cascade=True)
        assert not report.failures
    with workspace.database.connect() as connection:

        def rows(table: sa.Table, *names: str) -> list[tuple[Any, ...]]:
            columns = [table.c[name] for name in names]
            select = sa.select(RUNS.c.run_id, *columns).join(table, table.c.run_id == RUNS.c.run_id)
            return sorted(
                map(tuple, connection.execute(select.where(RUNS.c.superseded_by.is_(None))))
            )

        runs = sa.select(RUNS.c.provider, RUNS.c.account, RUNS.c.business_date, RUNS.c.run_id)
        cases = sa.select(CASES.c.discrepancy_id, CASES.c.state, CASES.c.difference)
        return {
            "runs": sorted(
                map(tuple, connection.execute(runs.where(RUNS.c.superseded_by.is_(None))))
            ),
            "discrepancies": rows(DISCREPANCIES, "discrepancy_id", "type", "explanation"),
            "open items": rows(OPEN_ITEMS, "side", "item_id", "state", "due_on"),
            # One that an early run opened, and a later one found to be none, is kept as closed.
            "cases": sorted(
                map(tuple, connection.execute(cases.where(CASES.c.state != "closed"))), key=str
            ),
        }


@pytest.fixture(scope="module", autouse=True)
def no_workbooks() -> Iterator[None]:
    """They are made of what is compared here, and take a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_write_books", lambda *_: [])
        patch.setattr(reports, "write_workbook_file", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def in_order(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return after(made, tmp_path_factory.mktemp("in order") / "place", DAYS)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(f"{day:%d}" for day in order))
def test_days_run_in_any_order_with_cascade_end_as_days_run_in_order(
    made: Path, in_order: dict[str, Any], tmp_path: Path, order: Sequence[date]
) -> None:
    found = after(made, tmp_path / "place", order)
    for what, rows in in_order.items():
        assert found[what] == rows, what
