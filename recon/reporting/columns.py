"""What the sheets have in common: how a canonical column looks, and frames with visible words."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from recon.reporting import text
from recon.reporting.sheets import Column, Formula, Kind, Tone
from recon.reporting.text import NOTHING, Language
from recon.reporting.titles import Words

_NAMES_BY_KIND: Final[dict[Kind, str]] = {
    "money": (
        "amount amount_ledger amount_provider difference at_stake gross refunds chargebacks fees "
        "withdrawals withdrawal_charges adjustments reserve net net_of_lines net_check "
        "opening_balance closing_balance unbooked expected_payout provider_payout bank_credit "
        "proof base charged expected variance our_charge margin stated computed stated_difference "
        "payout_amount credited bank_fee in_transit earned paid_out "
        "fee line_check of_transactions trace difference_before difference_now total"
    ),
    "count": (
        "payment_count refund_count other_count line_count row_count age_days age matched_count "
        "open_items overdue discrepancies high_count rejected"
    ),
    "integer": "line_no version case_id batch_number",
    "date": "business_date first_seen_on due_on settlement_date paid_on received_on",
    "wrapped": "type mismatched_fields explanation suggested_action reason value change account "
    "suggested_entry "
    "payout_account arithmetic",
    "instant": "occurred_at",
    "percent": "effective_rate matched_rate",
    "link": "folder",
}
_KINDS: Final[dict[str, Kind]] = {
    name: kind for kind, names in _NAMES_BY_KIND.items() for name in names.split()
}
# Ids of ours stand last; they are for searching and for other programs, not for paper.
_ON_SCREEN: Final = frozenset(
    ["line_ids", "entry_ids", "discrepancy_id", "item_id", "line_id", "payout_id"]
)
_WIDTHS: Final[dict[str, float]] = {
    "arithmetic": 44,
    "explanation": 52,
    "file": 28,
    "mismatched_fields": 36,
    "reason": 60,
    "suggested_action": 32,
    "suggested_entry": 48,
    "value": 40,
    "account": 24,
    "payout_account": 24,
    "currency": 9,
    "type": 27,
}
SEVERITY_TONES: Final[Mapping[str, Tone]] = {"high": "bad", "medium": "warn", "low": "muted"}
STATE_TONES: Final[Mapping[str, Tone]] = {"overdue": "bad"}
DUE_TONES: Final[Mapping[str, Tone]] = {**STATE_TONES, "not_final": "warn"}
CONTROL_TONES: Final[Mapping[str, Tone]] = {
    "agrees": "good",
    "differs": "bad",
    "unverified": "muted",
}
CHANGE_TONES: Final[Mapping[str, Tone]] = {"new": "bad", "cleared": "good", "changed": "warn"}
ANSWER_TONES: Final[Mapping[str, Tone]] = {"yes": "good", "no": "bad"}


def column(
    name: str,
    language: Language,
    *,
    kind: Kind | None = None,
    formula: Formula = "",
    live: str = "",
    check: bool = False,
    title: str = "",
) -> Column:
    """A canonical column under its visible title, as its kind of value is always shown."""
    return Column(
        name,
        title or text.title(name, language),
        kind or _KINDS.get(name, "text"),
        width=_WIDTHS.get(name, 0),
        formula=formula,
        live=live,
        check=check,
        on_paper=name not in _ON_SCREEN,
    )


def columns(names: str, language: Language) -> tuple[Column, ...]:
    return tuple(column(name, language) for name in names.split())


def blanks(names: str) -> tuple[Column, ...]:
    """Columns that keep the figures of a total under those of the list above it."""
    return tuple(Column(name, "") for name in names.split())


def nothing_in(names: str) -> dict[str, pl.Expr]:
    """What a frame has in the columns of `blanks`."""
    return dict.fromkeys(names.split(), pl.lit(None, pl.String))


def toned(name: str, language: Language, group: Words, tones: Mapping[str, Tone]) -> Column:
    """A column whose cells are coloured by their word."""
    visible = text.words(group, language)
    return Column(
        name,
        text.title(name, language),
        tones={visible[word]: tone for word, tone in tones.items()},
    )


def worded(name: str, group: Words, language: Language) -> pl.Expr:
    """The visible words of a closed vocabulary; what it does not know stays as it is."""
    return pl.col(name).replace(text.words(group, language))


def named(name: str) -> pl.Expr:
    """A key that formulas compare with: absent is a dash, because a blank cell equals nothing."""
    return pl.col(name).fill_null(NOTHING)
