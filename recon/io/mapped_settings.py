"""Statements described instead of programmed: `[[statement]]` of configs/providers/<slug>.toml."""

import re
from dataclasses import fields
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from recon.io.setting_types import (
    CurrencyCode,
    Kind,
    Settings,
    TimeZone,
    WholeNumber,
    one_of,
)
from recon.io.tabular import as_text
from recon.providers.contract import Provider
from recon.providers.mapping import (
    TEXT_COLUMNS,
    Amounts,
    KindRule,
    Numbers,
    StatedTotal,
    StatementMapping,
    TotalOf,
    provider_from,
)
from recon.tables import STATUSES


def _one_group(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"{value!r} is not a pattern: {error}") from None
    if groups != 1:
        raise ValueError(f"{value!r} must have one group in brackets: what it finds")
    return value


def _date_format(value: str) -> str:
    day = date(2026, 11, 20)
    read = pl.Series([day.strftime(value)]).str.to_date(value, strict=False)
    if read[0] != day:
        raise ValueError(f"{value!r} is not a date format, such as %Y-%m-%d")
    return value


Pattern = Annotated[str, AfterValidator(_one_group)]
Format = Annotated[str, AfterValidator(_date_format)]
TextColumn = Annotated[str, one_of(TEXT_COLUMNS, "a column of ours")]
Status = Annotated[str, one_of(STATUSES, "a status")]


class NumberSettings(Settings):
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    blank: list[str] = []
    ignore: list[str] = []

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        return self


class AmountSettings(Settings):
    column: str | None = None
    income: str | None = None
    expense: str | None = None
    direction: str | None = None
    incoming: list[str] = []
    outgoing: list[str] = []
    fee: str | None = None
    balance: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        split = self.income is not None and self.expense is not None
        if (self.column is None) == (not split) or (self.column and (self.income or self.expense)):
            raise ValueError("name either column, or both income and expense")
        if (self.direction is None) != (not (self.incoming and self.outgoing)):
            raise ValueError("direction needs the words of incoming and outgoing, and they need it")
        return self


class KindSettings(Settings):
    kind: Kind
    column: str | None = None
    words: list[str] = []
    contains: bool = False
    sign: Literal["positive", "negative"] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.column is None) != (not self.words):
            raise ValueError("column and words belong together")
        return self


class TotalSettings(Settings):
    name: str
    pattern: Pattern
    of: TotalOf


class StatementSettings(Settings):
    """One kind of statement; see recon/providers/README.md for a whole example."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    time_zone: TimeZone
    format: Literal["csv", "xlsx", "json", "fixed_width"] = "csv"
    encoding: str = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    footer: str | None = None
    trailing_separator: bool = False
    sheet: str | None = None
    records: str | None = None
    widths: dict[str, Annotated[WholeNumber, Field(gt=0)]] = {}
    date_column: str
    date_format: Format
    time_column: str | None = None
    time_format: str = "%H:%M:%S"
    columns: dict[TextColumn, str] = {}
    description: list[str] = []
    currency: CurrencyCode | None = None
    currency_column: str | None = None
    currency_codes: dict[str, CurrencyCode] = {}
    statuses: dict[str, Status] = {}
    key: list[str] = []
    amount: AmountSettings
    numbers: NumberSettings = NumberSettings()
    kind: Annotated[list[KindSettings], Field(min_length=1)]
    total: list[TotalSettings] = []
    account_pattern: Pattern | None = None
    account_column: str | None = None
    date_pattern: Pattern | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding {self.encoding!r} is not known") from None
        if self.currency is None and self.currency_column is None:
            raise ValueError("name the currency, or the currency_column")
        if self.account_column is not None:
            if self.account_pattern is not None:
                raise ValueError("name either account_column or account_pattern")
            if any(total.of in ("opening", "closing") for total in self.total):
                raise ValueError(
                    "opening and closing of a file of several accounts are nobody's balance; "
                    "name amount.balance, or leave them out"
                )
        if ("status" in self.columns) != bool(self.statuses):
            raise ValueError("columns.status and statuses belong together")
        if (self.format == "fixed_width") != bool(self.widths):
            raise ValueError('format = "fixed_width" needs widths, and only that has them')
        return self

    def mapping(self) -> StatementMapping:
        same = {field.name for field in fields(StatementMapping)} & set(type(self).model_fields)
        facts: dict[str, Any] = {name: getattr(self, name) for name in same}
        facts |= {"description": tuple(self.description), "key": tuple(self.key)}
        amount, numbers = self.amount.model_dump(), self.numbers.model_dump()
        for name in ("incoming", "outgoing"):
            amount[name] = tuple(amount[name])
        for name in ("blank", "ignore"):
            numbers[name] = tuple(numbers[name])
        convert = None
        if self.format != "csv":
            convert = partial(
                as_text,
                form=self.format,
                encoding=self.encoding,
                sheet=self.sheet,
                records=self.records,
                widths=tuple(self.widths.items()),
                separator=self.separator,
            )
        facts |= {
            "amounts": Amounts(**amount),
            "numbers": Numbers(**numbers),
            "kinds": tuple(
                KindRule(**rule.model_dump() | {"words": tuple(rule.words)}) for rule in self.kind
            ),
            "totals": tuple(StatedTotal(**total.model_dump()) for total in self.total),
            "as_text": convert,
        }
        return StatementMapping(**facts)


class DescribedProvider(Settings):
    """`[provider]`: what a source without code is called."""

    title: str
    title_zh: str | None = None


def described_provider(
    slug: str, what: DescribedProvider | None, statements: list[StatementSettings]
) -> Provider:
    """The provider that the settings describe."""
    title = slug if what is None else what.title
    title_zh = title if what is None or what.title_zh is None else what.title_zh
    return provider_from(slug, title, title_zh, tuple(one.mapping() for one in statements))
