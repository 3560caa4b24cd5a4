"""The matching rules: `[[rule]]` of configs/recon.toml."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from recon.io.setting_types import Amount, Days, Kind, Settings, one_of
from recon.matching.rules import (
    KEY_COLUMNS,
    REFERENCES,
    DateWindow,
    Direction,
    Groups,
    KeyForm,
    MatchRule,
    Tolerance,
)

KeyColumn = Annotated[str, one_of(KEY_COLUMNS, "a column to match on")]


NormalizedColumn = Annotated[str, one_of((*REFERENCES, "payment_method"), "a reference")]


class ToleranceSettings(Settings):
    absolute: Annotated[Amount, Field(ge=0)] | None = None
    percent: Annotated[Amount, Field(ge=0, le=100)] | None = None
    direction: Direction = "both"

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if self.absolute is None and self.percent is None:
            raise ValueError("a tolerance needs absolute, percent or both")
        return self


class DateWindowSettings(Settings):
    before: Days = 0
    after: Days = 0
    in_business_days: bool = False


class KeyFormSettings(Settings):
    strip_prefixes: list[str] = []
    strip_suffixes: list[str] = []
    ignore_characters: str = ""
    ignore_case: bool = False
    ignore_leading_zeros: bool = False

    def form(self) -> KeyForm:
        facts = self.model_dump()
        for name in ("strip_prefixes", "strip_suffixes"):
            facts[name] = tuple(facts[name])
        return KeyForm(**facts)


class RuleSettings(Settings):
    name: str
    keys: Annotated[list[KeyColumn], Field(min_length=1)]
    kinds: list[Kind] | None = None
    providers: list[str] | None = None
    groups: Groups = "none"
    amount_tolerance: ToleranceSettings | None = None
    date_window: DateWindowSettings | None = None
    normalize: dict[NormalizedColumn, KeyFormSettings] = {}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.groups == "subset" and ("amount" in self.keys or "currency" not in self.keys):
            raise ValueError('groups = "subset" needs currency among the keys, and not amount')
        if self.groups == "subset" and self.amount_tolerance is not None:
            raise ValueError('groups = "subset" adds up exactly; it takes no amount_tolerance')
        if self.groups in ("parts", "sum") and "amount" in self.keys:
            raise ValueError(
                f'groups = "{self.groups}" adds amounts up; take amount out of the keys'
            )
        unused = sorted(set(self.normalize) - set(self.keys))
        if unused:
            raise ValueError(f"normalize names {', '.join(unused)}, which is no key of the rule")
        rule = self.rule()
        if rule.is_near and "amount" in self.keys and "currency" not in self.keys:
            raise ValueError("a near amount among the keys needs currency among them too")
        if not rule.equal_keys:
            raise ValueError("a rule needs a key that is equal, beside those that are near")
        is_equal = self.groups == "equal" and "amount" in rule.equal_keys
        if rule.is_near and self.groups != "none" and not is_equal:
            raise ValueError(
                "a rule with a near amount or date among its keys takes no groups, but for "
                'groups = "equal" where amount is a key and has no tolerance'
            )
        return self

    def rule(self) -> MatchRule:
        tolerance, window = self.amount_tolerance, self.date_window
        return MatchRule(
            name=self.name,
            keys=tuple(self.keys),
            kinds=None if self.kinds is None else frozenset(self.kinds),
            providers=None if self.providers is None else frozenset(self.providers),
            groups=self.groups,
            amount_tolerance=None if tolerance is None else Tolerance(**tolerance.model_dump()),
            date_window=None if window is None else DateWindow(**window.model_dump()),
            forms=tuple((name, form.form()) for name, form in sorted(self.normalize.items())),
        )


class ReceiptRuleSettings(RuleSettings):
    """A rule between payouts and credits: one of the two is single, so that shares are known, or
    all are of one amount, and paired in order of date."""

    tells_difference: bool = False

    @model_validator(mode="after")
    def _has_shares(self) -> Self:
        is_equal = self.groups == "equal" and "amount" in self.keys
        if self.groups in ("equal", "sum") and not is_equal:
            raise ValueError(
                f'groups = "{self.groups}" does not say which credit a payout came in; '
                'take "parts" or "subset", or "equal" with amount among the keys'
            )
        if self.tells_difference and (self.amount_tolerance is None or "amount" not in self.keys):
            raise ValueError("tells_difference needs amount among the keys, and amount_tolerance")
        return self

    def rule(self) -> MatchRule:
        return replace(super().rule(), tells_difference=self.tells_difference)


def match_rules(settings: Sequence[RuleSettings]) -> tuple[MatchRule, ...]:
    """The rules in their order, as matching takes them."""
    return tuple(rule.rule() for rule in settings)
