"""Configuration: TOML files in one folder, checked as a whole, all problems reported at once.

configs/recon.toml, configs/providers/<slug>.toml, configs/fees/<slug>.toml. Unknown settings are
refused, because a misspelled tolerance must not be ignored. Secrets are named, never written: a
setting that ends in `_env` holds the name of an environment variable, or of a keyring entry.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from recon.control.write_offs import SmallDifferences
from recon.day import Policy
from recon.discrepancies import Severity
from recon.errors import UserError
from recon.io.account_settings import AccountEntry
from recon.io.deliveries import Schedule
from recon.io.fee_settings import FeeSettings, tariffs_of
from recon.io.journal_settings import JournalSettings
from recon.io.mapped_settings import (
    DescribedProvider,
    StatementSettings,
    described_provider,
)
from recon.io.merchant_settings import Merchants, MerchantsFile, merchants_of
from recon.io.notify import NotifySettings
from recon.io.rule_settings import ReceiptRuleSettings, RuleSettings, match_rules
from recon.io.secrets import SecretName
from recon.io.setting_types import (
    Amount,
    CurrencyCode,
    Kind,
    Settings,
    WholeNumber,
    one_of,
)
from recon.io.settings_file import read_settings
from recon.io.sources import SourceSettings
from recon.io.write_off_settings import WriteOffSettings
from recon.journal.accounts import Chart
from recon.providers import all_providers
from recon.providers.contract import Provider
from recon.settings import AccountSettings
from recon.tables import LEDGER_ENTRY
from recon.wording import Language

_Table = TypeVar("_Table", bound=Settings)


class SeverityLimits(Settings):
    medium: Amount = Decimal(10)
    high: Amount = Decimal(1000)


class SeveritySettings(SeverityLimits):
    currency: dict[CurrencyCode, SeverityLimits] = {}


class ReportSettings(Settings):
    language: Language = "en"


class DatabaseSettings(Settings):
    url_env: SecretName


class LedgerSettings(Settings):
    """An existing table or view of the company, read instead of imported entries."""

    url_env: SecretName
    table: str
    columns: dict[Annotated[str, one_of(LEDGER_ENTRY, "a ledger column")], str]
    constants: dict[Annotated[str, one_of(LEDGER_ENTRY, "a ledger column")], str] = {}
    kinds: dict[str, Kind] = {}
    statuses: dict[str, str] = {}


class RateSettings(Settings):
    """Reference rates, in the European Central Bank's file of their history."""

    path: str
    max_age_days: Annotated[WholeNumber, Field(ge=0, le=31)] = 7


class ReconSettings(Settings):
    """recon.toml"""

    rule: Annotated[list[RuleSettings], Field(min_length=1)]
    receipt_rule: list[ReceiptRuleSettings] = []
    reports: ReportSettings = ReportSettings()
    severity: SeveritySettings = SeveritySettings()
    database: DatabaseSettings | None = None
    ledger: LedgerSettings | None = None
    rates: RateSettings | None = None
    journal: JournalSettings = JournalSettings()
    write_off: WriteOffSettings | None = None
    notify: NotifySettings | None = None


class ProviderSettings(Settings):
    """providers/<slug>.toml"""

    source: SourceSettings
    account: Annotated[list[AccountEntry], Field(min_length=1)]
    provider: DescribedProvider | None = None
    statement: list[StatementSettings] = []


@dataclass(frozen=True)
class Config:
    """The whole configuration, as the rest of the program sees it."""

    directory: Path
    recon: ReconSettings
    policy: Policy
    accounts: tuple[AccountSettings, ...]
    providers: dict[str, Provider]  # those with code, and those described by a mapping
    sources: dict[str, SourceSettings]
    schedules: dict[tuple[str, str], Schedule]  # by provider and account
    merchants: Merchants

    def accounts_of(
        self, providers: list[str] | None, accounts: list[str] | None
    ) -> list[AccountSettings]:
        """The chosen accounts. Errors: UserError for a name that is not configured."""
        for chosen, known, what in (
            (providers, {a.provider for a in self.accounts}, "provider"),
            (accounts, {a.account for a in self.accounts}, "account"),
        ):
            unknown = sorted(set(chosen or []) - known)
            if unknown:
                raise UserError(
                    f"no {what} {', '.join(unknown)} in {self.directory}/providers; "
                    f"configured: {', '.join(sorted(known))}"
                )
        picked = [
            account
            for account in self.accounts
            if (not providers or account.provider in providers)
            and (not accounts or account.account in accounts)
        ]
        if not picked:
            raise UserError("no account is of that provider and number at once")
        return picked

    def payers_of(self, account: AccountSettings) -> list[AccountSettings]:
        """The accounts whose payouts go to this one."""
        return [
            other
            for other in self.accounts
            if any(bank == account.account for _, bank in other.pays_into)
        ]

    def secret_names(self) -> dict[str, str]:
        """Every secret that is named, and the setting that wants it first."""
        wanted = [
            (f"{self.directory}/recon.toml: {table}.url_env", settings.url_env)
            for table, settings in (
                ("database", self.recon.database),
                ("ledger", self.recon.ledger),
            )
            if settings is not None
        ]
        places = [] if self.recon.notify is None else self.recon.notify.urls_env
        wanted += [(f"{self.directory}/recon.toml: notify.urls_env", name) for name in places]
        for slug, source in self.sources.items():
            numbers = tuple(a.account for a in self.accounts if a.provider == slug)
            where = f"{self.directory}/providers/{slug}.toml: source"
            wanted += [(f"{where}.{s}", name) for s, name in source.secret_names(numbers)]
        return {name: where for where, name in reversed(wanted)}

    def told_in(self, language: Language) -> "Config":
        """The same, with reports and explanations in that language."""
        reports = self.recon.reports.model_copy(update={"language": language})
        return replace(
            self,
            recon=self.recon.model_copy(update={"reports": reports}),
            policy=replace(self.policy, language=language),
        )

    @property
    def chart(self) -> Chart:
        return self.recon.journal.chart()

    @property
    def base(self) -> Path:
        """Where relative paths of the configuration start: beside its folder."""
        return self.directory.resolve().parent


def load_config(directory: Path) -> Config:
    """Read and check all files. Errors: one UserError that lists every problem, a line each."""
    if not (directory / "recon.toml").is_file():
        raise UserError(
            f"no configuration at {directory}/recon.toml; name its folder with --config DIR"
        )
    problems: list[str] = []
    recon = _read(directory / "recon.toml", ReconSettings, problems)
    providers = {
        path.stem: _read(path, ProviderSettings, problems)
        for path in sorted((directory / "providers").glob("*.toml"))
    }
    fees = {
        path.stem: _read(path, FeeSettings, problems)
        for path in sorted((directory / "fees").glob("*.toml"))
    }
    if not providers and not problems:
        problems.append(f"{directory}/providers: no provider is configured")
    known = _known(directory, providers, problems)
    accounts = _accounts(directory, providers, known, problems)
    problems += _receiver_problems(directory, accounts)
    if recon is not None and recon.rates is None:
        problems += [
            f"{directory}/providers/{account.provider}.toml: account {account.account}: "
            "fx_tolerance_percent needs reference rates; name their file in [rates] of recon.toml"
            for account in accounts
            if account.fx_tolerance_percent is not None
        ]
    # A provider whose file has problems of its own would only make its tariffs look wrong as well.
    unsure = {slug for slug, settings in providers.items() if settings is None}
    tariffs = tariffs_of(directory, fees, accounts, unsure, problems)
    path = directory / "merchants.toml"
    file = _read(path, MerchantsFile, problems) if path.is_file() else None
    merchants = merchants_of(path, file, accounts, problems)
    if problems or recon is None:
        raise UserError("\n".join(problems))
    return Config(
        directory=directory,
        recon=recon,
        policy=Policy(
            match_rules(recon.rule),
            tuple(tariffs),
            _severity(recon.severity),
            match_rules(recon.receipt_rule),
            7 if recon.rates is None else recon.rates.max_age_days,
            recon.reports.language,
            SmallDifferences() if recon.write_off is None else recon.write_off.policy(),
        ),
        accounts=tuple(accounts),
        providers=known,
        sources={slug: settings.source for slug, settings in providers.items() if settings},
        schedules={
            (slug, entry.account): entry.schedule()
            for slug, settings in providers.items()
            if settings
            for entry in settings.account
        },
        merchants=merchants,
    )


def _read(path: Path, model: type[_Table], problems: list[str]) -> _Table | None:
    try:
        return read_settings(path, model)
    except UserError as error:
        problems += str(error).splitlines()
        return None


def _known(
    directory: Path, providers: dict[str, ProviderSettings | None], problems: list[str]
) -> dict[str, Provider]:
    """The providers that have code, and those that the configuration describes."""
    known = dict(all_providers())
    for slug, settings in providers.items():
        if settings is None or not settings.statement:
            continue
        names = [statement.name for statement in settings.statement]
        where = f"{directory}/providers/{slug}.toml"
        if slug in known:
            problems.append(f"{where}: {slug} is read by its own code; take [[statement]] away")
        elif len(set(names)) < len(names):
            problems.append(f"{where}: two statements have the same name")
        else:
            known[slug] = described_provider(slug, settings.provider, settings.statement)
    return known


def _accounts(
    directory: Path,
    providers: dict[str, ProviderSettings | None],
    known: dict[str, Provider],
    problems: list[str],
) -> list[AccountSettings]:
    accounts = []
    for slug, settings in providers.items():
        if settings is None:
            continue
        where = f"{directory}/providers/{slug}.toml"
        if slug not in known:
            problems.append(
                f"{where}: no provider {slug!r}; there are: {', '.join(known)}; describe its files "
                "with [[statement]], or start with: recon providers new"
            )
            continue
        kinds = [kind.name for kind in known[slug].kinds]
        for entry in settings.account:
            problems += [
                f"{where}: account {entry.account}: {slug} has no statement {name!r}; "
                f"there are: {', '.join(kinds)}"
                for name in entry.statements
                if name not in kinds
            ]
            own = [known[slug].kind(name) for name in entry.statements if name in kinds]
            if entry.cut_off != "24:00" and not any(kind.is_dated_by_time for kind in own):
                problems.append(
                    f"{where}: account {entry.account}: its statements say themselves which "
                    "business date a row is of; cut_off means nothing for them"
                )
            names = [field.name for field in fields(AccountSettings) if field.name != "provider"]
            facts = {name: getattr(entry, name) for name in names}
            facts["statements"] = tuple(entry.statements)
            for name in ("pays_into", "minimum_payout"):
                facts[name] = tuple(sorted(facts[name].items()))
            accounts.append(AccountSettings(provider=slug, **facts))
        numbers = [entry.account for entry in settings.account]
        problems += [
            f"{where}: account {number} is configured twice"
            for number in sorted({n for n in numbers if numbers.count(n) > 1})
        ]
    return accounts


def _receiver_problems(directory: Path, accounts: list[AccountSettings]) -> list[str]:
    """Payouts must go to an account that is configured, and to one only."""
    numbers = [account.account for account in accounts]
    return [
        f"{directory}/providers/{account.provider}.toml: account {account.account}: pays_into "
        f"{bank}, which {'no account has' if bank not in numbers else 'several accounts have'}"
        for account in accounts
        for _, bank in account.pays_into
        if numbers.count(bank) != 1
    ]


def _severity(settings: SeveritySettings) -> Severity:
    return Severity(
        medium=settings.medium,
        high=settings.high,
        by_currency={
            code: (limits.medium, limits.high) for code, limits in settings.currency.items()
        },
    )
