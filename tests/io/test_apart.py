"""A large day runs in a process of its own, and comes back as if it had been run here."""

import os
import signal
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recon.errors import ReconError, UserError
from recon.io import apart
from recon.io.config import load_config
from recon.io.days import DayOutcome, Workspace, reconcile
from recon.io.fetch import fetch_all
from recon.io.locks import run_lock
from recon.periods import one_day
from tests.faults.place import DAY, NOW, Place


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = Place(tmp_path)
    opened = Workspace.open(place.workspace, load_config(tmp_path / "configs"))
    fetch_all(opened, {"wechatpay"}, one_day(DAY), now=NOW)
    return opened


def run(workspace: Workspace, do: Any, stages: list[str] | None = None) -> DayOutcome:
    def step(name: str, stage: Callable[[], Any]) -> Any:
        if stages is not None:
            stages.append(name)
        return stage()

    [account] = workspace.config.accounts
    outcome: DayOutcome = do(workspace, account, DAY, step, now=NOW)
    return outcome


def test_a_day_run_elsewhere_is_the_day_run_here(workspace: Workspace) -> None:
    there: list[str] = []
    here: list[str] = []
    elsewhere = run(workspace, apart.reconcile_apart, there)
    same = run(workspace, reconcile, here)
    assert elsewhere.run_id == same.run_id
    assert elsewhere.reports == same.reports
    assert there == here != []
    for field in fields(same.result):
        ours, theirs = getattr(same.result, field.name), getattr(elsewhere.result, field.name)
        if isinstance(ours, pl.DataFrame):
            assert_frame_equal(ours, theirs)


def test_a_day_is_large_by_its_statements(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    [account] = workspace.config.accounts
    files = workspace.inbox.files_for(account.provider, account.account, DAY)
    size = sum(file.path.stat().st_size for file in files)
    assert len(files) == 2
    for limit, is_large in ((size, True), (size + 1, False)):
        monkeypatch.setattr(apart, "LARGE_BYTES", limit)
        assert apart.is_large(workspace, account, DAY) is is_large


def test_what_is_wrong_with_the_day_is_told_as_ever(workspace: Workspace) -> None:
    [account] = workspace.config.accounts
    key = f"{account.provider}-{account.account}-{DAY}"
    with (
        run_lock(workspace.root / "locks", key),
        pytest.raises(UserError, match="another run of wechatpay"),
    ):
        run(workspace, apart.reconcile_apart)


def test_a_bug_over_there_is_one_of_that_day_and_says_where_it_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(apart, "_run", run_with_a_bug)
    with pytest.raises(ReconError, match="exit code 1; it has said above why"):
        run(workspace, apart.reconcile_apart)
    said = capfd.readouterr().err
    assert "in break_it" in said
    assert said.endswith("ZeroDivisionError\n")


def test_a_process_that_is_ended_takes_its_day_along_and_the_day_can_be_run_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_run", run_until_killed)
    with pytest.raises(ReconError, match="was ended by SIGKILL, as when memory runs out"):
        run(workspace, apart.reconcile_apart)
    monkeypatch.undo()
    assert run(workspace, apart.reconcile_apart).supersedes is None


def run_until_killed(parent: Any, task: Any) -> None:
    """Over there, in the middle of the first stage."""
    parent.send("normalize")
    os.kill(os.getpid(), signal.SIGKILL)


def run_with_a_bug(parent: Any, task: Any) -> None:
    def break_it(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    apart.reconcile = break_it  # type: ignore[assignment]
    apart._run(parent, task)
