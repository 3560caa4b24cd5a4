"""The Prefect flows run the same pipeline as the command line, a task a stage."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from recon.io import apart
from tests.support import copy_place

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 18)


@pytest.fixture(scope="session", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One temporary server for all flow tests, in a home of its own, without analytics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("PREFECT_LOGGING_LEVEL", "WARNING")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of configuration and samples, with the ledger imported."""
    ledgers = copy_place(tmp_path, "paypal", "wechatpay")
    from recon.cli import invoke

    code = invoke(
        [
            "ledger",
            "import",
            *map(str, ledgers),
            "--config",
            str(tmp_path / "configs"),
            "--workspace",
            str(tmp_path / "workspace"),
        ]
    )
    assert code == 0
    return tmp_path


@pytest.mark.parametrize("large_bytes", [apart.LARGE_BYTES, 0])
def test_the_daily_flow_proves_a_day_and_shows_every_stage_as_a_task(
    place: Path, monkeypatch: pytest.MonkeyPatch, large_bytes: int
) -> None:
    from prefect.client.orchestration import get_client

    from flows.daily import daily

    monkeypatch.setattr(apart, "LARGE_BYTES", large_bytes)
    began = datetime.now(UTC)
    state = daily(
        business_date=date(2026, 11, 18),
        config=place / "configs",
        workspace=place / "workspace",
        return_state=True,
    )
    assert state.is_completed(), state.message
    assert "2 of 2 days proved" in str(state.message)
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_task_runs() if run.start_time > began]
        names = {run.name.rsplit("-", 1)[0] for run in runs}
        artifacts = client.read_artifacts()
    assert {"fetch statements", "normalize", "match", "fees", "settle", "conclude"} <= names
    assert any("RECONDEMO7US1" in str(artifact.data) for artifact in artifacts)


def test_a_day_that_is_not_proved_fails_the_flow(place: Path) -> None:
    from flows.rerun import rerun

    missing = place / "sample_statements/wechatpay/1600000001_trade_all_2026-11-19.csv"
    missing.unlink()
    state = rerun(
        first=date(2026, 11, 18),
        last=date(2026, 11, 19),
        provider="wechatpay",
        config=place / "configs",
        workspace=place / "workspace",
        return_state=True,
    )
    assert state.is_failed()
    assert "1 of 2 days proved" in str(state.message)


def test_the_flow_and_the_command_line_give_the_same_bytes(place: Path) -> None:
    from flows.rerun import rerun
    from recon.cli import invoke

    day = date(2026, 11, 18)
    rerun(
        first=day,
        last=day,
        config=place / "configs",
        workspace=place / "workspace",
        return_state=True,
    )
    other = place / "other"
    base = ["--config", str(place / "configs"), "--workspace", str(other)]
    ledgers = (place / "sample_statements" / "ledger").iterdir()
    invoke(["ledger", "import", *map(str, ledgers), *base])
    assert invoke(["run", "--date", str(day), *base]) == 0
    made = sorted((place / "workspace" / "reports").rglob("*.*"))
    assert made
    for path in made:
        twin = other / "reports" / path.relative_to(place / "workspace" / "reports")
        assert path.read_bytes() == twin.read_bytes(), path


def test_a_late_statement_is_waited_for_until_its_grace_is_over(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import tasks
    from flows.daily import daily

    settings = place / "configs/providers/wechatpay.toml"
    settings.write_text(f'{settings.read_text()}ready_at = "10:00"\ngrace_minutes = 60\n')
    bill = place / "sample_statements/wechatpay/1600000001_trade_all_2026-11-18.csv"
    late = bill.read_bytes()
    bill.unlink()
    moments = iter(range(100))

    def clock() -> datetime:  # 10:00 in Shanghai, and a minute later whenever it is asked
        return datetime(2026, 11, 19, 2, next(moments), tzinfo=UTC)

    looks = []
    fetch_all = tasks.fetch_all

    def looking(*arguments: Any, **more: Any) -> Any:
        looks.append(more["now"])
        if len(looks) == 3:
            bill.write_bytes(late)
        return fetch_all(*arguments, **more)

    monkeypatch.setattr(tasks, "now", clock)
    monkeypatch.setattr("flows.daily.now", clock)
    monkeypatch.setattr(tasks, "fetch_all", looking)
    monkeypatch.setattr(tasks, "WAIT_SECONDS", 0)
    common = {"config": place / "configs", "workspace": place / "workspace"}
    state = daily(provider="wechatpay", **common, return_state=True)
    assert state.is_completed(), state.message
    assert len(looks) == 3


def test_what_cannot_pass_by_itself_is_not_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow

    from flows import tasks
    from recon.io.config import load_config
    from recon.io.days import Workspace
    from recon.io.fetch import CHANNELS, Channel, FetchReport, probe_folder
    from recon.io.transfers import Errand, Fetched, TransferError
    from recon.periods import one_day

    opened = Workspace.open(place / "workspace", load_config(place / "configs"))
    waited = []
    monkeypatch.setattr(tasks, "RETRY_DELAYS_SECONDS", [0, 0, 0])

    def fetched(errand: Errand) -> Fetched:
        waited.append(errand.provider)
        return Fetched(problems=[("a.csv", TransferError("no answer"))])

    @flow(validate_parameters=False)
    def fetching() -> FetchReport:
        return tasks.fetch_until_there(opened, opened.config.accounts[1:], one_day(DAY))

    (place / "sample_statements" / "wechatpay" / "notes.txt").write_text("call the bank")
    [failure] = fetching().failures
    assert "notes.txt" in failure.what
    monkeypatch.setitem(CHANNELS, "folder", Channel(fetched, probe_folder))
    [failure] = fetching().failures
    assert waited == ["wechatpay"] * 4


def test_a_provider_is_run_for_the_days_whose_statements_come_that_day() -> None:
    from recon.io.deliveries import Schedule

    bank = Schedule("Europe/Amsterdam", "09:00", calendar="XECB", weekdays=frozenset(range(5)))
    monday, tuesday, sunday = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 22)
    assert bank.delivered_on(monday) == [date(2026, 11, day) for day in (20, 21, 22)]
    assert bank.delivered_on(tuesday) == [monday]
    assert bank.delivered_on(sunday) == []
    assert Schedule("UTC").delivered_on(monday) == []


def test_every_provider_is_served_at_its_own_hour_and_the_rerun_under_the_readmes_name(
    place: Path,
) -> None:
    from flows.daily import deployments
    from recon.io.config import load_config

    def served() -> dict[str, list[str]]:
        return {
            f"{one.flow_name}/{one.name}": [f"{s.schedule}" for s in one.schedules]
            for one in deployments(load_config(place / "configs"))
        }

    assert list(served()) == ["daily reconciliation/daily", "rerun of a range/rerun"]
    assert f"'{list(served())[1]}'" in (ROOT / "README.md").read_text("utf-8")
    settings = place / "configs/providers/wechatpay.toml"
    settings.write_text(f'{settings.read_text()}ready_at = "10:05"\n')
    later = served()
    assert list(later) == [
        "daily reconciliation/wechatpay",
        "daily reconciliation/paypal",
        "rerun of a range/rerun",
    ]
    assert (
        "cron='5 10 * * *' timezone='Asia/Shanghai'" in later["daily reconciliation/wechatpay"][0]
    )


def test_f52_a_killed_orchestrator_leaves_a_day_that_the_command_line_finishes(
    place: Path,
) -> None:
    from prefect.settings import PREFECT_API_URL

    from recon.cli import invoke

    program = f"""
import datetime, os, signal, sys
from pathlib import Path
from recon.io import days
days.write_day = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
from flows.rerun import rerun
rerun(first=datetime.date(2026, 11, 18), last=datetime.date(2026, 11, 19), provider="wechatpay",
      config=Path({str(place / "configs")!r}), workspace=Path({str(place / "workspace")!r}))
"""
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    base = ["--config", str(place / "configs"), "--workspace", str(place / "workspace")]
    range_ = ["--from", "2026-11-18", "--to", "2026-11-19", "--provider", "wechatpay"]
    assert invoke(["run", *range_, *base]) == 0
    assert len(list((place / "workspace" / "reports").glob("*/wechatpay/*/summary.json"))) == 2
