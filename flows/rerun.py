"""An accountant's rerun of a range of business dates, in order, with what changed since before."""

from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.tasks import reconcile_period
from recon.periods import Period


@flow(name="rerun of a range", log_prints=True)
def rerun(
    first: date,
    last: date,
    provider: str | None = None,
    account: str | None = None,
    config: Path = Path("configs"),
    workspace: Path = Path("workspace"),
) -> State[Any]:
    """Reconcile `first` to `last`, each day from the state the day before it left."""
    return reconcile_period(
        Period(first, last),
        [provider] if provider else None,
        [account] if account else None,
        config,
        workspace,
    )
