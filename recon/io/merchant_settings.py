"""The merchants that are paid: configs/merchants.toml."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from recon.fees.problems import schedule_problems
from recon.fees.schedule import Tariff
from recon.io.deliveries import Calendar
from recon.io.fee_settings import FeeSettings
from recon.io.setting_types import Amount, CurrencyCode, CycleText, Days, Settings
from recon.merchants.lines import BankAccount, Merchant
from recon.settings import AccountSettings
from recon.settlement.cycles import Cycle


def _iban(value: str) -> str:
    """ISO 13616: letters as numbers from 10 on, first four at the end, 1 when divided by 97."""
    plain = re.sub(r"\s", "", value).upper()
    turned = plain[4:] + plain[:4]
    is_formed = re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", plain)
    if not is_formed or int("".join(str(int(sign, 36)) for sign in turned)) % 97 != 1:
        raise ValueError(f"{value!r} is no IBAN: its check digits are wrong")
    return plain


Iban = Annotated[str, AfterValidator(_iban)]
Bic = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")]
Name = Annotated[str, Field(min_length=1, max_length=140)]


class BankAccountSettings(Settings):
    """`[[merchant.bank_account]]`, and `[[payer]]`, an account of our own."""

    currency: CurrencyCode
    name: Name
    iban: Iban | None = None
    account_number: Annotated[str, Field(min_length=1, max_length=34)] | None = None
    bic: Bic | None = None

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if (self.iban is None) == (self.account_number is None):
            raise ValueError("give iban or account_number, and only one of them")
        return self


class MerchantEntry(Settings):
    merchant: Name
    title: Name
    accounts: Annotated[list[str], Field(min_length=1)]
    cycle: CycleText = "T+1"
    calendar: Calendar | None = None
    minimum_payout: dict[CurrencyCode, Amount] = {}
    reserve_percent: Annotated[Amount, Field(ge=0, le=100)] = Decimal(0)
    reserve_days: Days = 0
    language: Literal["en", "zh"] = "en"
    bank_account: Annotated[list[BankAccountSettings], Field(min_length=1)]


class MerchantsFile(FeeSettings):
    """merchants.toml; the `account` of its tariff rows is a merchant."""

    merchant: list[MerchantEntry] = []
    payer: list[BankAccountSettings] = []


@dataclass(frozen=True)
class Merchants:
    """Who is paid, by which tariff, and from which of our accounts."""

    merchants: tuple[Merchant, ...] = ()
    payers: tuple[BankAccount, ...] = ()
    tariffs: tuple[Tariff, ...] = ()

    def payer(self, currency: str) -> BankAccount | None:
        return next((one for one in self.payers if one.currency == currency), None)


def merchants_of(
    path: Path, file: MerchantsFile | None, accounts: list[AccountSettings], problems: list[str]
) -> Merchants:
    """What the file says; what is wrong with it is added to `problems`."""
    if file is None:
        return Merchants()
    rows = file.rows()
    names = [entry.merchant for entry in file.merchant]
    known = {account.account for account in accounts}
    payers = [entry.currency for entry in file.payer]
    found = [f"merchant {name} is configured twice" for name in _repeated(names)]
    found += [f"there are two payers for {code}" for code in _repeated(payers)]
    for entry in file.merchant:
        currencies = [one.currency for one in entry.bank_account]
        whose = f"merchant {entry.merchant}"
        strange = [number for number in entry.accounts if number not in known]
        found += [f"{whose}: account {number} is not configured" for number in strange]
        found += [f"{whose}: two bank accounts for {code}" for code in _repeated(currencies)]
        found += [
            f"{whose} is paid in {code}, which no [[payer]] has"
            for code in currencies
            if code not in payers
        ]
    found += [
        f"tariff {row.name!r} is for {row.account}, which is no merchant"
        for row in rows
        if row.account not in names
    ]
    found += [f"tariff {row.name!r} {problem}" for row in rows for problem in _unfit(row)]
    found += schedule_problems(rows)
    problems += [f"{path}: {problem}" for problem in found]
    return Merchants(
        tuple(map(_merchant, file.merchant)),
        tuple(map(_bank_account, file.payer)),
        tuple(rows),
    )


def _unfit(row: Tariff) -> Iterator[str]:
    """What a settlement cannot charge by: it knows its own lines, and not the days before them."""
    if row.counts is not None:
        yield (
            "counts over days (a quota, or tiers by month), which a settlement does not; take "
            "tiers by amount"
        )
    if row.needs_original:
        yield (
            "needs the payment of a refund, which a settlement does not know; on_refund can be "
            '"kept" or "returned"'
        )
    if row.round_per == "batch":
        yield "is rounded once a batch, and a settlement is paid line by line"


def _merchant(entry: MerchantEntry) -> Merchant:
    facts = entry.model_dump(exclude={"bank_account", "accounts", "cycle"})
    return Merchant(
        **facts,
        accounts=tuple(entry.accounts),
        cycle=Cycle(entry.cycle),
        bank_accounts=tuple(map(_bank_account, entry.bank_account)),
    )


def _bank_account(entry: BankAccountSettings) -> BankAccount:
    return BankAccount(**entry.model_dump())


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
