"""The matching rules: `[[rule]]` of configs/recon.toml."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from recon.io.setting_types import Kind, Settings, one_of
from recon.matching.rules import KEY_COLUMNS, MatchRule

KeyColumn = Annotated[str, one_of(KEY_COLUMNS, "a column to match on")]


class RuleSettings(Settings):
    name: str
    keys: Annotated[list[KeyColumn], Field(min_length=1)]
    kinds: list[Kind] | None = None
    equal_groups: bool = False


def match_rules(settings: Sequence[RuleSettings]) -> tuple[MatchRule, ...]:
    """The rules in their order, as matching takes them."""
    return tuple(
        MatchRule(
            name=rule.name,
            keys=tuple(rule.keys),
            kinds=None if rule.kinds is None else frozenset(rule.kinds),
            equal_groups=rule.equal_groups,
        )
        for rule in settings
    )
