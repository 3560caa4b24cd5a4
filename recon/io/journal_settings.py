"""The chart of accounts in the configuration: `[journal]` of configs/recon.toml."""

from typing import Annotated

from pydantic import AfterValidator

from recon.io.setting_types import CurrencyCode, Kind, Settings, one_of
from recon.journal.accounts import NAMES, Chart, Override, name_problem


def _usable_name(value: str) -> str:
    problem = name_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


Role = Annotated[str, one_of(NAMES, "a role in the journal")]
AccountName = Annotated[str, AfterValidator(_usable_name)]


class OverrideSettings(Settings):
    role: Role
    name: AccountName
    provider: str | None = None
    account: str | None = None
    currency: CurrencyCode | None = None
    kind: Kind | None = None


class JournalSettings(Settings):
    accounts: dict[Role, AccountName] = {}
    override: list[OverrideSettings] = []

    def chart(self) -> Chart:
        return Chart(
            names=self.accounts,
            overrides=tuple(Override(**row.model_dump()) for row in self.override),
        )
