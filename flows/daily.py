"""The overnight runs: each provider at its own hour. `python -m flows.daily` serves all flows."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from prefect import flow, serve
from prefect.client.schemas.objects import State
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron

from flows.rerun import rerun
from flows.tasks import now, reconcile_period, yesterday
from recon.io.config import Config, load_config
from recon.periods import Period, one_day

# After the last provider is ready whose hour is not configured: WeChat Pay from 10:00 in Beijing,
# PayPal before noon on the Pacific coast.
_LATEST = Cron("0 20 * * *", timezone="UTC")


@flow(name="daily reconciliation", log_prints=True)
def daily(
    business_date: date | None = None,
    provider: str | None = None,
    time_zone: str = "Asia/Shanghai",
    config: Path = Path("configs"),
    workspace: Path = Path("workspace"),
) -> State[Any]:
    """Reconcile a business date: the given one; or those whose statements a provider delivers
    today; or yesterday in `time_zone`, where no hour of delivery is configured.

    The flow fails when a day is not proved, so that Prefect's notifications reach somebody, too.
    """
    if business_date is not None:
        period = one_day(business_date)
    else:
        due = _due_today(load_config(config), provider, now())
        period = due or one_day(yesterday(now().astimezone(ZoneInfo(time_zone)).date()))
    return reconcile_period(period, [provider] if provider else None, None, config, workspace)


def _due_today(config: Config, provider: str | None, moment: datetime) -> Period | None:
    """The business dates whose statements are delivered on this day; on a Monday that is often more
    than one. None where nothing says when."""
    days = {
        day
        for (slug, _), schedule in config.schedules.items()
        if slug == provider
        for day in schedule.delivered_on(moment.astimezone(ZoneInfo(schedule.time_zone)).date())
    }
    return Period(min(days), max(days)) if days else None


def deployments(config: Config) -> list[RunnerDeployment]:
    """One for each provider with an hour of delivery, at that hour of its own time zone; one for
    all others; and the rerun for whoever starts it."""
    hours = {
        slug: (schedule.ready_at, schedule.time_zone)
        for (slug, _), schedule in sorted(config.schedules.items())
        if schedule.ready_at is not None
    }
    made = []
    for slug, (at, zone) in hours.items():
        hour, minute = at.split(":")
        cron = Cron(f"{int(minute)} {int(hour)} * * *", timezone=zone)
        made.append(daily.to_deployment(name=slug, schedule=cron, parameters={"provider": slug}))
    if not hours:
        made.append(daily.to_deployment(name="daily", schedule=_LATEST))
    else:
        others = sorted({account.provider for account in config.accounts} - set(hours))
        made += [
            daily.to_deployment(name=slug, schedule=_LATEST, parameters={"provider": slug})
            for slug in others
        ]
    made.append(rerun.to_deployment(name="rerun"))
    # Prefect types these as possibly coroutines, which they are only inside an event loop.
    return [cast(RunnerDeployment, one) for one in made]


def main() -> None:
    """Serve the flows of the configuration in ./configs."""
    serve(*deployments(load_config(Path("configs"))))


if __name__ == "__main__":
    main()
