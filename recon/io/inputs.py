"""What a run is made of: its name, and which part is another one now."""

from collections.abc import Mapping
from dataclasses import asdict, astuple
from typing import Any, Final

from recon.day import DayInput
from recon.io.balances import closed_as_input
from recon.io.canonical import digest
from recon.io.config import Config
from recon.io.fee_schedules import schedule_digest
from recon.io.ledger import entries_digest
from recon.io.stale import Stale, payouts_digest

# Raised when the same inputs may give another result: it is part of every run's identity.
_RESULT_VERSION: Final = "21"

# What the parts are called where a person must be told that one of them is not what it was.
_WORDS: Final = {
    "account": "the settings of the account",
    "closed": "the closing balance of the statement before",
    "elsewhere": "what other files say of these statements",
    "entries": "the ledger's entries",
    "entry_rejects": "rejected rows of the ledger",
    "expected": "the delivery calendar",
    "files": "its statements",
    "fee_usage": "the turnover that fee tiers go by",
    "gaps": "a statement of a series that has never come",
    "given_up_items": "the lines and entries that were written off",
    "given_up_payouts": "the payouts that were written off",
    "holidays": "the holidays",
    "language": "the language of the reports",
    "open_items": "the open items of the day before",
    "orders": "earlier payments of refunded orders",
    "payout_terms": "when it is paid out",
    "payouts": "the payouts on their way",
    "rates": "the exchange rates",
    "receipt_rules": "the rules for payouts",
    "reserves": "what was held back before",
    "rules": "the matching rules",
    "sent_before": "the payouts that statements before have told",
    "severity": "the severities",
    "small_differences": "the policy for small differences",
    "tariffs": "the fee schedule",
    "version": "the program",
    "write_offs": "what was written off",
}


def run_inputs(config: Config, day: DayInput) -> dict[str, Any]:
    """Everything the result follows from, part by part: digests, and the files by their id."""
    policy = config.policy
    parts: dict[str, Any] = {
        "version": _RESULT_VERSION,
        "business_date": str(day.business_date),
        "files": {
            statement.content.file_id: f"{statement.file.name} (version {statement.file.version})"
            for statement in day.statements
        },
        "entries": entries_digest(day.entries.collect()),
        "orders": entries_digest(day.orders),
        "rates": None if day.rates is None else entries_digest(day.rates),
        "payouts": None if day.payouts is None else payouts_digest(day.payouts),
        "sent_before": payouts_digest(day.sent_before),
        "given_up_items": entries_digest(day.given_up_items),
        "given_up_payouts": payouts_digest(day.given_up_payouts),
        "open_items": entries_digest(day.open_items),
        "fee_usage": entries_digest(day.fee_usage),
        "reserves": entries_digest(day.reserves),
        "closed": closed_as_input(day.closed),
        "tariffs": schedule_digest(policy.tariffs_of(day.account.account)),
        "language": config.recon.reports.language,
    }
    settings = {
        "elsewhere": [sorted(map(astuple, statement.elsewhere)) for statement in day.statements],
        "account": asdict(day.account),
        "gaps": day.gaps,
        "entry_rejects": day.entry_rejects.rows(),
        "expected": asdict(day.expected),
        "holidays": day.holidays,
        "rules": [asdict(rule) for rule in policy.rules],
        "receipt_rules": [asdict(rule) for rule in policy.receipt_rules],
        "severity": asdict(policy.severity),
        "small_differences": asdict(policy.small_differences),
        "payout_terms": None if day.payout_terms is None else asdict(day.payout_terms),
        "write_offs": day.write_offs.rows(),
    }
    return parts | {name: digest(value) for name, value in settings.items()}


def run_id_of(inputs: Mapping[str, Any]) -> str:
    """A name made of all of them: the same inputs are the same run, whatever files are called."""
    return digest({**inputs, "files": sorted(inputs["files"])})


def why_stale(stale: Stale) -> str:
    """Why the first of stale days is to be run again, as part of a sentence."""
    return f"since {stale.dates[0]} was run, {_WORDS[str(stale.because)]} changed"


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """Which inputs are not what they were, in words. `before` is None for a day without a run, and
    empty for runs of older programs."""
    if before is None:
        return ["the day was not run before"]
    was, now = before.get("files", {}), after["files"]
    said = [f"the statement {now[file]}" for file in now if file not in was]
    if not said:
        said = [f"the statement {was[file]} is gone" for file in was if file not in now]
    said += [
        words
        for part, words in _WORDS.items()
        if part != "files" and part in before and before[part] != after[part]
    ]
    return said or ["what it was made of"]
