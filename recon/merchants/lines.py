"""What each merchant is owed for a period: from the lines that are proved, by his own tariff.

Only a line that a match ties to entries of one merchant is his. What nothing matches, or what no
row of his tariff covers, is held back and listed with the reason; nothing is guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from recon.book_tables import MERCHANT_LINE
from recon.errors import ensure
from recon.fees.assess import assess
from recon.fees.schedule import Tariff
from recon.money import MONEY, ZERO
from recon.settlement.cycles import Cycle
from recon.tables import STATEMENT_LINE, conform
from recon.wording import Language

# What a merchant is paid or has to give back, and the column of his settlement it adds to. All
# other kinds are between the provider and us.
COLUMN_BY_KIND: Final[Mapping[str, str]] = {
    "payment": "gross",
    "refund": "refunds",
    "refund_reversal": "refunds",
    "chargeback": "chargebacks",
    "chargeback_reversal": "chargebacks",
}


@dataclass(frozen=True)
class BankAccount:
    """Where money is paid to, or from."""

    currency: str
    name: str
    iban: str | None = None
    account_number: str | None = None  # where there is no IBAN
    bic: str | None = None


@dataclass(frozen=True)
class Merchant:
    """A beneficiary: `merchant` is his `merchant_id` in the ledger."""

    merchant: str
    title: str
    accounts: tuple[str, ...]  # at the providers, where his money is collected
    bank_accounts: tuple[BankAccount, ...]
    cycle: Cycle
    calendar: str | None = None
    minimum_payout: Mapping[str, Decimal] = field(default_factory=dict)
    reserve_percent: Decimal = Decimal(0)
    reserve_days: int = 0
    language: Language = "en"

    def bank_account(self, currency: str) -> BankAccount | None:
        return next((one for one in self.bank_accounts if one.currency == currency), None)


def merchant_lines(
    lines: pl.LazyFrame, matches: pl.LazyFrame, owners: pl.DataFrame, merchants: Sequence[Merchant]
) -> pl.DataFrame:
    """Every line of a period, each once, and whose it is -> MERCHANT_LINE without fees.

    `lines` has the columns of STATEMENT_LINE that MERCHANT_LINE has: those of the period and those
    that were open before it. `matches` is MATCH of the period, `owners` entry_id and merchant_id.
    """
    facts = [name for name in MERCHANT_LINE if name in STATEMENT_LINE]
    number = pl.int_range(pl.len()).over("line_id") + 1
    stated = (
        lines.select(facts)
        .sort("line_id", "business_date", "gross")
        .with_columns(
            line_id=pl.when(number > 1)
            .then(pl.concat_str("line_id", pl.lit("#"), number.cast(pl.String)))
            .otherwise("line_id")
        )
    )
    is_his = pl.col("kind").is_in(list(COLUMN_BY_KIND))
    matched = pl.col("match_id").is_not_null()
    is_known = pl.col("merchant").is_in([one.merchant for one in merchants])
    made = (
        stated.join(_matched(matches, owners), on="line_id", how="left", validate="1:1")
        .with_columns(is_alone=pl.col("owner_count") == 1)
        .with_columns(merchant=pl.when("is_alone").then("merchant").otherwise(_presumed(merchants)))
        .with_columns(
            state=pl.when(~is_his)
            .then(pl.lit("ours"))
            .when(matched & pl.col("is_alone") & is_known)
            .then(pl.lit("settled"))
            .when(matched & pl.col("is_alone"))
            .then(pl.lit("ours"))
            .otherwise(pl.lit("held_back")),
            reason=pl.when(is_his & ~matched)
            .then(pl.lit("no_match"))
            .when(is_his & matched & ~pl.col("is_alone"))
            .then(pl.lit("no_merchant")),
        )
        .with_columns(
            merchant=pl.when((pl.col("state") != "ours") | is_known).then("merchant"),
        )
        .collect(engine="streaming")
    )
    return conform(made, MERCHANT_LINE).sort("line_id")


def _matched(matches: pl.LazyFrame, owners: pl.DataFrame) -> pl.LazyFrame:
    """line_id, match_id, and the merchant of its entries with how many there are."""
    owned = (
        matches.select("match_id", "entry_id")
        .join(owners.lazy(), on="entry_id", how="inner")
        .group_by("match_id")
        .agg(
            merchant=pl.col("merchant_id").drop_nulls().first(),
            owner_count=pl.col("merchant_id").n_unique(),
            is_named=pl.col("merchant_id").is_not_null().all(),
        )
        .with_columns(owner_count=pl.when("is_named").then("owner_count").otherwise(0))
        .drop("is_named")
    )
    members = matches.select("match_id", "line_id").drop_nulls("line_id")
    return members.join(owned, on="match_id", how="left").with_columns(
        pl.col("owner_count").fill_null(0)
    )


def _presumed(merchants: Sequence[Merchant]) -> pl.Expr:
    """Of a line whose owner nothing proves: the only merchant whose account it is on."""
    serves: dict[str, list[str]] = {}
    for one in merchants:
        for account in one.accounts:
            serves.setdefault(account, []).append(one.merchant)
    only = {account: names[0] for account, names in serves.items() if len(names) == 1}
    return pl.col("account").replace_strict(only, default=None, return_dtype=pl.String)


def with_fees(lines: pl.DataFrame, tariffs: Sequence[Tariff]) -> pl.DataFrame:
    """MERCHANT_LINE with what we charge, by the rows whose `account` is the merchant; a payment or
    refund that no row covers is held back."""
    parts = []
    for (merchant,), part in lines.group_by("merchant", maintain_order=True):
        rows = [row for row in tariffs if row.account == merchant]
        assessed = _assessed(part.filter(state="settled"), rows)
        bare = part.drop("fee", "tariff")
        parts.append(bare.join(assessed, on="line_id", how="left", validate="1:1"))
    if not parts:
        return lines
    is_settled = pl.col("state") == "settled"
    is_priced = pl.col("kind").is_in(["payment", "refund"])
    uncovered = is_settled & is_priced & pl.col("tariff").is_null()
    made = pl.concat(parts, how="diagonal_relaxed").with_columns(
        state=pl.when(uncovered).then(pl.lit("held_back")).otherwise("state"),
        reason=pl.when(uncovered).then(pl.lit("no_tariff")).otherwise("reason"),
        fee=pl.when(is_settled & ~uncovered).then(pl.col("fee").fill_null(ZERO)),
    )
    return conform(made, MERCHANT_LINE).sort("line_id")


def _assessed(lines: pl.DataFrame, rows: Sequence[Tariff]) -> pl.DataFrame:
    """line_id, fee and tariff of the lines that a row covers: all that is due, with surcharges and
    tax; nothing was charged yet, so that is the expected fee."""
    nothing = {"line_id": pl.String(), "fee": MONEY, "tariff": pl.String()}
    if not rows or lines.height == 0:
        return pl.DataFrame(schema=nothing)
    stated = conform(lines.with_columns(fee=ZERO, net="gross"), STATEMENT_LINE)
    return (
        assess(stated.lazy(), rows)
        .rows.group_by("line_id")
        .agg(
            fee=pl.col("expected").sum(),
            tariff=pl.col("tariff").filter(pl.col("component") == "fee").first(),
        )
        .filter(pl.col("tariff").is_not_null())
        .collect()
    )


def totals(lines: pl.DataFrame) -> pl.DataFrame:
    """MERCHANT_LINE -> sums by merchant and currency: gross, refunds, chargebacks, fees,
    line_count, held_back and held_back_count; sorted."""
    settled, held = pl.col("state") == "settled", pl.col("state") == "held_back"
    sums = {
        column: pl.col("gross")
        .filter(
            settled & pl.col("kind").is_in([k for k, c in COLUMN_BY_KIND.items() if c == column])
        )
        .sum()
        for column in dict.fromkeys(COLUMN_BY_KIND.values())
    }
    made = (
        lines.filter(pl.col("merchant").is_not_null() & (pl.col("state") != "ours"))
        .group_by("merchant", "currency")
        .agg(
            line_count=settled.sum().cast(pl.Int64),
            fees=pl.col("fee").filter(settled).sum(),
            held_back_count=held.sum().cast(pl.Int64),
            held_back=pl.col("gross").filter(held).sum(),
            **sums,
        )
        .sort("merchant", "currency")
    )
    paid = pl.col("gross") + pl.col("refunds") + pl.col("chargebacks")
    whole = lines.filter(pl.col("merchant").is_not_null() & (pl.col("state") != "ours"))
    ensure(
        made.select((paid + pl.col("held_back")).sum()).item() == whole["gross"].sum(),
        "what is settled and what is held back are not all lines of the merchants",
    )
    return made


def released_on(held: date, days: int) -> date:
    """The day a reserve that was held for a period ending on `held` comes back."""
    return held + timedelta(days=days)
