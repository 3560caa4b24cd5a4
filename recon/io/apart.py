"""A large day in a process of its own: memory that runs out ends that day, not the run.

A process that gets no memory is ended from outside, or ends itself within a library; nothing can be
caught then. So what is large enough to get there is not run here. Its stages are still told to
`step`, one by one, as they begin and end over there.
"""

import signal
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from recon.errors import ReconError
from recon.io.changes import RunChange
from recon.io.config import load_config
from recon.io.days import DayOutcome, Workspace, reconcile
from recon.pipeline import Step
from recon.results import DayResult
from recon.settings import AccountSettings
from recon.wording import Language

Found = TypeVar("Found", DayResult, RunChange)

# Some 100,000 lines: what they take makes the second for a new process a small part.
LARGE_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True)
class _Task:
    """What a process needs to know to run a day; it opens everything else for itself."""

    root: Path
    configs: Path
    language: Language
    actor: str
    provider: str
    account: str
    business_date: date
    now: datetime


def is_large(workspace: Workspace, account: AccountSettings, business_date: date) -> bool:
    """Whether the day's statements are too large to be read beside others. Errors: NotProvedError
    when the inbox has lost one."""
    files = workspace.inbox.files_for(account.provider, account.account, business_date)
    return sum(file.size for file in files) >= LARGE_BYTES


def reconcile_apart(
    workspace: Workspace,
    account: AccountSettings,
    business_date: date,
    step: Step,
    *,
    now: datetime,
) -> DayOutcome:
    """`reconcile`, elsewhere. Errors: its own; ReconError when the process was ended."""
    config = workspace.config
    task = _Task(
        workspace.root,
        config.directory,
        config.policy.language,
        workspace.actor,
        account.provider,
        account.account,
        business_date,
        now,
    )
    context = get_context("spawn")  # a copy of this process would copy locks that are never opened
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, task))
    process.start()
    theirs.close()
    try:
        return _followed(ours, step)
    except EOFError:
        process.join()
        raise ReconError(_ending(process.exitcode)) from None
    finally:
        process.terminate()
        process.join()


def _followed(told: Connection, step: Step) -> DayOutcome:
    """The names of stages as they begin, nothing as they end, then the outcome."""
    while isinstance(news := _next(told), str):
        step(news, lambda: _next(told))
    outcome: DayOutcome = news
    return outcome


def _next(told: Connection) -> Any:
    news = told.recv()
    if isinstance(news, ReconError):
        raise news
    return news


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return (
            f"its process was ended by {name}, as when memory runs out; run it where there is more"
        )
    return f"its process broke off with exit code {code}; it has said above why"


def _run(parent: Connection, task: _Task) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it is interrupted and ends it

    def step(name: str, stage: Any) -> Any:
        parent.send(name)
        result = stage()
        parent.send(None)
        return result

    try:
        outcome = _outcome(task, step)
        result, change = _alone(outcome.result), _alone(outcome.change)
        parent.send(replace(outcome, result=result, change=change))
    except ReconError as error:
        parent.send(error)


def _alone(found: Found) -> Found:
    """The same, each frame without what it was taken from: a list with the id of a line has the ids
    of all lines with it, until it is written in the older format, which has no views of texts."""
    frames: dict[str, Any] = {
        field.name: pl.read_ipc(
            frame.write_ipc(None, compat_level=pl.CompatLevel.oldest()).getvalue()
        )
        for field in fields(found)
        if isinstance(frame := getattr(found, field.name), pl.DataFrame)
    }
    return replace(found, **frames)


def _outcome(task: _Task, step: Step) -> DayOutcome:
    config = load_config(task.configs).told_in(task.language)
    workspace = Workspace.open(task.root, config, task.actor)
    [account] = config.accounts_of([task.provider], [task.account])
    return reconcile(workspace, account, task.business_date, step, now=task.now)
