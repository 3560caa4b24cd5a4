"""Documentation that cannot rot: every setting, command and column it names exists."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from recon.cli import app
from recon.io import (
    config,
    fee_settings,
    journal_settings,
    mapped_settings,
    merchant_settings,
    rule_settings,
    write_off_settings,
)
from recon.io.sources import SOURCES
from recon.providers import all_providers
from recon.tables import LEDGER_ENTRY

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "recon" / "io" / "README.md").read_text("utf-8")


def _settings(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


@pytest.mark.parametrize(
    ("model", "prefix"),
    [
        (rule_settings.RuleSettings, "rule."),
        (config.SeveritySettings, "severity."),
        (config.ReportSettings, "reports."),
        (config.DatabaseSettings, "database."),
        (config.LedgerSettings, "ledger."),
        (config.NotifySettings, "notify."),
        (write_off_settings.WriteOffSettings, "write_off."),
        (write_off_settings.WriteOffLimits, "write_off.currency."),
        (config.RateSettings, "rates."),
        (journal_settings.JournalSettings, "journal."),
        (journal_settings.OverrideSettings, "journal.override."),
        (merchant_settings.MerchantEntry, "merchant."),
        (merchant_settings.BankAccountSettings, "payer."),
        *((source, "source.") for source in SOURCES),
        (config.AccountEntry, "account."),
        (mapped_settings.StatementSettings, "statement."),
        (mapped_settings.AmountSettings, "statement.amount."),
        (mapped_settings.NumberSettings, "statement.numbers."),
        (mapped_settings.KindSettings, "statement.kind."),
        (mapped_settings.TotalSettings, "statement.total."),
        (mapped_settings.DescribedProvider, "provider."),
        (fee_settings.TariffSettings, ""),
        (fee_settings.SurchargeSettings, ""),
        (fee_settings.WithdrawalSettings, ""),
        (fee_settings.TierSettings, "tier."),
    ],
)
def test_every_setting_is_explained(model: type[BaseModel], prefix: str) -> None:
    missing = [name for name in _settings(model) if f"`{prefix}{name}`" not in SETTINGS]
    assert not missing, missing


def test_every_command_is_in_the_readme() -> None:
    commands = [name for name in app if not name.startswith("-")]
    assert commands
    missing = [name for name in commands if not re.search(rf"recon {name}\b", README)]
    assert not missing, missing


def test_every_command_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"^(?:.*/)?recon ([a-z-]+)", README, flags=re.MULTILINE))
    assert shown <= {name for name in app if not name.startswith("-")}


def test_the_readme_names_all_ledger_columns() -> None:
    missing = [name for name in LEDGER_ENTRY if not re.search(rf"\b{name}\b", README)]
    assert not missing, missing


def test_every_provider_is_in_the_readme() -> None:
    missing = [p.title for p in all_providers().values() if p.title not in README]
    assert not missing, missing


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("recon/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
