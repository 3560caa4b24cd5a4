"""The pieces both flows share: fetching with retries, a day whose stages are tasks, the artifact.

Frames stay inside the process and are never results of a task: hashing and storing them would cost
more than the work itself. So there is one task a stage, never one a row.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.fetch import fetch_all
from recon.io.jobs import RunReport, run_period
from recon.periods import Period

RETRY_DELAYS_SECONDS: list[float] = [60, 300, 900]


def as_task(name: str, stage: Callable[[], Any]) -> Any:
    """Run one stage of the pipeline as a Prefect task, so that the UI shows it.

    It takes no parameters, which Prefect would walk through, frame by frame, looking for futures.
    """
    return task(name=name, cache_policy=NO_CACHE, persist_result=False)(stage)()


def as_retried_task(name: str, stage: Callable[[], Any]) -> Any:
    """The same for a stage that asks the outside world: what cannot be reached is tried again."""
    retried = task(
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(RETRY_DELAYS_SECONDS),
        retry_delay_seconds=RETRY_DELAYS_SECONDS,
    )
    return retried(stage)()


def reconcile_period(
    period: Period,
    providers: Sequence[str] | None,
    accounts: Sequence[str] | None,
    config: Path,
    workspace: Path,
) -> State[Any]:
    """Fetch, reconcile and report; the state says whether every day is proved."""
    place = Workspace.open(workspace, load_config(config))
    chosen = place.config.accounts_of(
        list(providers) if providers else None, list(accounts) if accounts else None
    )
    fetched = as_retried_task(
        "fetch statements",
        lambda: fetch_all(place, {account.provider for account in chosen}, period),
    )
    report = run_period(place, chosen, period, fetch=False, step=as_task)
    report.arrivals, report.failures[:0] = fetched.arrivals, fetched.failures
    create_markdown_artifact(
        key=f"reconciliation-{period}".replace("_", "-to-"),
        markdown=as_markdown(report),
        description=f"Reconciliation of {period}",
    )
    message = summary_line(report)
    return Completed(message=message) if report.is_proved else Failed(message=message)


def summary_line(report: RunReport) -> str:
    proved = sum(day.result.proved for day in report.days)
    found = sum(day.result.discrepancies.height for day in report.days)
    text = f"{proved} of {len(report.days)} days proved, {found} discrepancies"
    return text + (f", {len(report.failures)} failures" if report.failures else "")


def as_markdown(report: RunReport) -> str:
    """The result as people read it in Prefect's UI."""
    lines = [
        f"# {summary_line(report)}",
        "",
        "| date | provider | account | result | discrepancies | open | reports |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for day in report.days:
        result = day.result
        state = (
            "proved" if result.proved else "**NOT PROVED**: " + "; ".join(result.not_proved_because)
        )
        lines.append(
            f"| {result.business_date} | {result.provider} | {result.account} | {state} "
            f"| {result.discrepancies.height} | {result.open_items.height} | `{day.reports}` |"
        )
    lines += [f"- **{failure.what}**: {failure.message}" for failure in report.failures]
    return "\n".join(lines)


def yesterday(today: date) -> date:
    """The last business date that is over."""
    return date.fromordinal(today.toordinal() - 1)
