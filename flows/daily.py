"""The overnight run: yesterday, every account. `python -m flows.daily` serves both flows."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from prefect import flow, serve
from prefect.client.schemas.objects import State
from prefect.deployments.runner import RunnerDeployment

from flows.rerun import rerun
from flows.tasks import reconcile_period, yesterday
from recon.periods import one_day


@flow(name="daily reconciliation", log_prints=True)
def daily(
    business_date: date | None = None,
    provider: str | None = None,
    time_zone: str = "Asia/Shanghai",
    config: Path = Path("configs"),
    workspace: Path = Path("workspace"),
) -> State[Any]:
    """Reconcile one business date: the given one, or yesterday in `time_zone`.

    The flow fails when a day is not proved, so that Prefect's notifications reach somebody.
    """
    day = business_date or yesterday(datetime.now(ZoneInfo(time_zone)).date())
    return reconcile_period(one_day(day), [provider] if provider else None, None, config, workspace)


def main() -> None:
    """Serve both flows: the overnight run on its schedule, the rerun for whoever starts it.

    20:00 UTC is after the last provider is ready: WeChat Pay from 10:00 in Beijing, PayPal before
    noon on the Pacific coast.
    """
    # Prefect types these as possibly coroutines, which they are only inside an event loop.
    overnight = cast(RunnerDeployment, daily.to_deployment(name="daily", cron="0 20 * * *"))
    by_hand = cast(RunnerDeployment, rerun.to_deployment(name="rerun"))
    serve(overnight, by_hand)


if __name__ == "__main__":
    main()
