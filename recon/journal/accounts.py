"""The chart of accounts: what the ledger account behind each role of a posting is called."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Final

import polars as pl

from recon.errors import ensure

# What each role is called unless the configuration says otherwise. A name may contain the fields of
# `FIELDS`; the first word is one of the five that every ledger knows.
NAMES: Final[Mapping[str, str]] = {
    "balance": "Assets:Providers:{provider}:{account}",  # what the statement says we have there
    "unbooked": "Assets:Unbooked:{provider}:{account}",  # told, not on the balance yet
    "clearing": "Assets:Clearing:{provider}:{account}",  # entries less lines: the open items
    "suspense": "Assets:Suspense:{provider}:{account}",  # what discrepancies hold
    "in_transit": "Assets:InTransit:{pays_into}",  # paid out, not yet on the bank account
    "transfers": "Assets:Transfers:{provider}:{account}",  # to and from accounts of our own
    "reserve": "Assets:Reserve:{provider}:{account}",  # held by the provider
    "claims": "Assets:Claims:{provider}:{account}",  # what the provider owes us back
    "unidentified": "Liabilities:UnidentifiedReceipts:{provider}:{account}",
    "sales": "Income:Sales:{provider}:{account}",
    "refunds": "Income:Refunds:{provider}:{account}",
    "chargebacks": "Expenses:Chargebacks:{provider}:{account}",
    "fees": "Expenses:Fees:{provider}",
    "tax": "Expenses:TaxOnFees:{provider}",
    "withdrawal_charges": "Expenses:WithdrawalCharges:{provider}",
    "bank_charges": "Expenses:BankCharges:{pays_into}",
    "conversion": "Equity:Conversion:{provider}:{account}",
    "fx": "Income:ExchangeDifferences:{provider}",
    "adjustments": "Income:Adjustments:{provider}:{account}",
    "rounding": "Expenses:Rounding:{provider}",
    "write_off": "Expenses:WriteOffs:{provider}",
    "opening": "Equity:Opening",
}

FIELDS: Final = ("provider", "account", "currency", "kind", "pays_into")

# Where the ledger books an entry of each kind; together they are every kind there is.
ROLE_BY_KIND: Final[Mapping[str, str]] = {
    "payment": "sales",
    "refund": "refunds",
    "refund_reversal": "refunds",
    "chargeback": "chargebacks",
    "chargeback_reversal": "chargebacks",
    "payout": "transfers",
    "payout_reversal": "transfers",
    "withdrawal": "transfers",
    "withdrawal_reversal": "transfers",
    "fee": "fees",
    "adjustment": "adjustments",
    "reserve_hold": "reserve",
    "reserve_release": "reserve",
    "conversion": "conversion",
    "transfer": "transfers",
    "top_up": "transfers",
}


@dataclass(frozen=True)
class Override:
    """Another name for a role, where all that is given here fits."""

    role: str
    name: str
    provider: str | None = None
    account: str | None = None
    currency: str | None = None
    kind: str | None = None

    def fits(self, role: str, facts: Mapping[str, str | None]) -> bool:
        wanted = {name: getattr(self, name) for name in FIELDS if hasattr(self, name)}
        return self.role == role and all(
            value is None or facts[name] == value for name, value in wanted.items()
        )


@dataclass(frozen=True)
class Chart:
    """Names by role, and exceptions from them; of several that fit the first one counts."""

    names: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    def name_of(self, role: str, facts: Mapping[str, str | None]) -> str:
        """The ledger account of a role; `facts` has all of FIELDS. `=Name` is called Name."""
        if role.startswith("="):
            return role[1:]
        ensure(role in NAMES, f"no account for the role {role!r}")
        fitting = (override.name for override in self.overrides if override.fits(role, facts))
        name = next(fitting, self.names.get(role, NAMES[role]))
        return name.format(**{field: component(facts[field] or "") for field in FIELDS})

    def named(self, frame: pl.DataFrame, role: str, into: str) -> pl.DataFrame:
        """The frame with the account of its column `role` in a column `into`; null stays null."""
        facts = [name for name in FIELDS if name in frame.columns]
        different = frame.select(role, *facts).unique().drop_nulls(role)
        names = [
            self.name_of(row[role], {name: row.get(name) for name in FIELDS})
            for row in different.iter_rows(named=True)
        ]
        table = different.with_columns(pl.Series(into, names, dtype=pl.String))
        return frame.join(table, on=[role, *facts], how="left", nulls_equal=True, validate="m:1")


USUAL_CHART: Final = Chart()
_PLAIN: Final = re.compile(r"[0-9A-Za-z]+([_-][0-9A-Za-z]+)*")


def component(text: str) -> str:
    """A number or slug as one word of an account's name, in the letters every ledger takes; with a
    digest where others would not be told by the word alone, as of masked or Chinese ones."""
    word = re.sub(r"[^0-9A-Za-z]+", "-", text).strip("-")
    if text and not _PLAIN.fullmatch(text):
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        word = f"{word}-{digest}" if word else digest
    return word[:1].upper() + word[1:]


def name_problem(name: str) -> str | None:
    """What is wrong with a configured name."""
    try:
        used = {field for _, field, _, _ in Formatter().parse(name) if field is not None}
    except ValueError as error:
        return f"{name!r}: {error}"
    unknown = sorted(used - set(FIELDS))
    if unknown:
        return f"{name!r} has {{{unknown[0]}}}; there are: {', '.join(FIELDS)}"
    if not name.strip() or re.search(r"\s\s|[;\n\t]", name):
        return f"{name!r}: a name has no semicolon, tab or double blank"
    return None
