"""Signatures on days, as rows: what may not be signed, and what is taken back with a day."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from recon.errors import NotProvedError
from recon.io.control_schema import SIGN_OFFS
from recon.io.database import Database
from recon.io.days import Workspace
from recon.io.inbox import Inbox
from recon.io.runs import RunStore
from recon.io.sign_offs import differences, prepare, reopen
from recon.io.stale import Stale
from recon.periods import one_day
from tests.io.test_runs import NOW, STRIPE, record, run_on

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Workspace:
    """Three days that were run; nothing of them is configured."""
    for day in (18, 19, 20):
        record(RunStore(database), run_on(day, f"run {day}", not_proved_because=()))
    config = SimpleNamespace(accounts=(), providers=None)
    return Workspace(tmp_path, cast(Any, config), database, "anna")


def sign(place: Workspace, day: int, run_id: str) -> None:
    facts = {"business_date": date(2026, 11, day), "run_id": run_id, "sign_off_id": day}
    whose = {"provider": "stripe", "account": "acct_1", "prepared_by": "anna", "prepared_at": NOW}
    kept = {"reports": "{}", "note": "", "audit_seq": 0, "audit_hash": ""}
    with place.database.begin() as connection:
        connection.execute(sa.insert(SIGN_OFFS).values(facts | whose | kept))


def test_the_later_days_are_reopened_with_a_day_and_the_earlier_are_not(place: Workspace) -> None:
    for day in (18, 19, 20):
        sign(place, day, f"run {day}")
    reopened = reopen(place, [STRIPE], date(2026, 11, 19), "a corrected file")
    assert [day for _, _, day in reopened] == [date(2026, 11, 19), date(2026, 11, 20)]


def test_a_run_that_is_not_the_signed_one_is_told(place: Workspace) -> None:
    sign(place, 19, "run 19")
    sign(place, 20, "run 18")
    said = "stripe acct_1 2026-11-20: another run than the signed run 18 is current"
    assert differences(place, [STRIPE], None) == [said]


def test_statements_that_have_come_since_are_told_where_the_account_asks_for_them(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(place, 20, "run 20")
    kinds = {
        "f1": STRIPE.statements[0],
        "f8": "a kind nobody asked for",
        "f9": STRIPE.statements[0],
    }
    files = [SimpleNamespace(file_id=f, kind=k, name=f, version=2) for f, k in kinds.items()]
    monkeypatch.setattr(Inbox, "files_for", lambda *whose: files)
    [said] = differences(place, [STRIPE], None)
    assert "f9 (version 2) has come since and is not used" in said


def test_a_stale_day_is_not_signed(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 11, 20)
    stale = Stale((day,), "open_items")
    monkeypatch.setattr(Workspace, "stale_days", lambda place, account: stale)
    with pytest.raises(NotProvedError, match="2026-11-20 is stale"):
        prepare(place, [STRIPE], one_day(day), "")
    with pytest.raises(NotProvedError, match="stripe/acct_1 is not the report of its run"):
        prepare(place, [STRIPE], one_day(date(2026, 11, 19)), "")
