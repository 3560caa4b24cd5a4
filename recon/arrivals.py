"""Payouts that have not arrived as they were sent: too early, as another amount, or not at all."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from recon.discrepancies import Day, amount_text, sentence, sums_text, told
from recon.matching import disagreements, short
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.money import ZERO
from recon.row_wording import rule_in
from recon.wording import Language


def unequal(
    matched: Matched,
    late: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> pl.DataFrame:
    """Payouts and credits that belong together and are not the same money."""
    off = matched.pairs.filter(~pl.col("clean")).with_row_index("group")
    pairs = pl.concat(
        off.select(pl.lit(side).alias("side"), "group", "pass", row=f"{side}_row")
        for side in ("line", "entry")
    )
    of_today = [late["group"].drop_nulls(), _grown(matched, credits, expected)]
    due = pl.col("group").is_in(pl.concat(of_today).implode())
    disputed = matched.groups.filter(
        ~pl.col("verdict").is_in(["matched", "split"]) | ((pl.col("verdict") == "split") & due)
    ).select("side", pl.col("group") + off.height, "pass", "row")
    members = pl.concat([pairs, disputed])
    both = _sent(members, expected).join(
        _arrived(members, credits), on="group", how="inner", validate="1:1"
    )
    is_same = pl.col("currency") == pl.col("came_in")
    return both.select(
        "currency",
        "amount_ledger",
        "line_ids",
        "txn_id",
        "merchant_ref",
        discrepancy_id=sentence("receipt:{}", "payout_id"),
        type=pl.lit("payout_mismatch"),
        amount_provider=pl.when(is_same).then("amount_provider"),
        rule=pl.when(~pl.col("is_short")).then(disagreements.rule_name(rules)),
        explanation=pl.concat_str(
            _told(
                day.language,
                "payout_due_unequal",
                "payout_mismatch",
                sent=amount_text("amount_ledger"),
                arrived="said",
            ),
            pl.when("is_short").then(told(day.language, "payout_by_amount")),
            ignore_nulls=True,
        ),
    )


def _grown(matched: Matched, credits: pl.DataFrame, expected: pl.DataFrame) -> pl.Series:
    """The groups of payouts that were reported before and of which another part has come today:
    what is missing of them is another amount now."""
    split = matched.groups.filter(verdict="split")
    reported = expected.select("reported").with_row_index("row").filter("reported")
    came = credits.select("is_new").with_row_index("row").filter("is_new")
    known = split.filter(side="entry").join(reported, on="row", how="semi")
    parts = split.filter(side="line").join(came, on="row", how="semi")
    return parts.join(known, on="group", how="semi")["group"]


def _arrived(members: pl.DataFrame, credits: pl.DataFrame) -> pl.DataFrame:
    """What has come in of each group: in the one currency it is in, or else without an amount."""
    credit = credits.select("line_id", "currency", amount="gross", is_short=short.is_short())
    came = members.filter(side="line").join(credit.with_row_index("row"), on="row", how="inner")
    is_one = pl.col("currency").n_unique() == 1
    return (
        came.group_by("group")
        .agg(
            line_ids=pl.col("line_id").sort(),
            amount_provider=pl.when(is_one).then(pl.col("amount").sum()),
            came_in=pl.when(is_one).then(pl.col("currency").first()),
            is_short=pl.col("is_short").any(),
        )
        .join(sums_text(came, "group"), on="group", how="left")
    )


_FACTS: Final = (
    *("provider", "account", "currency", "business_date", "txn_id", "merchant_ref", "arithmetic"),
)


def _told(language: Language, by_cycle: str, by_statement: str, **gaps: pl.Expr | str) -> pl.Expr:
    """What is told of a payout, which a settlement cycle or a statement speaks of."""
    gaps |= {
        "payer": sentence("{} {}", "provider", "account"),
        "day": "business_date",
        "arithmetic": "arithmetic",
        "reference": pl.coalesce("merchant_ref", "txn_id", "payout_id"),
    }
    return pl.coalesce(told(language, by_cycle, **gaps), told(language, by_statement, **gaps))


def early(receipts: pl.DataFrame, expected: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Payouts that have arrived before the day on which the settlement cycle pays them."""
    arrived = receipts.select("payout_id", "received_on", "line_id", "credited")
    early = arrived.join(expected, on="payout_id", how="inner").filter(
        pl.col("received_on") < pl.col("business_date"), pl.col("arithmetic").is_not_null()
    )
    days = (pl.col("business_date") - pl.col("received_on")).dt.total_days()
    return (
        early.group_by("payout_id", maintain_order=True)
        .agg(
            pl.col("amount", "received_on", *_FACTS).first(),
            line_ids=pl.col("line_id").sort(),
            amount_provider=pl.col("credited").sum(),
        )
        .select(
            "currency",
            "line_ids",
            "merchant_ref",
            "amount_provider",
            discrepancy_id=sentence("receipt:{}", "payout_id"),
            type=pl.lit("payout_mismatch"),
            amount_ledger="amount",
            explanation=told(
                language,
                "payout_due_early",
                payer=sentence("{} {}", "provider", "account"),
                sent=amount_text("amount"),
                day="business_date",
                arithmetic="arithmetic",
                days=days,
            ),
        )
    )


def after_all(
    came: pl.DataFrame, credits: pl.DataFrame, given_up: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """Credits (line_id and payout_id) of PAYOUT that was written off, a row each: nothing of it was
    expected any more."""
    facts = given_up.select(
        "payout_id",
        "txn_id",
        "merchant_ref",
        payer=sentence("{} {}", "provider", "account"),
        reference=pl.coalesce("merchant_ref", "txn_id", "payout_id"),
    )
    amounts = credits.select("line_id", "currency", amount_provider="gross")
    return (
        came.join(facts, on="payout_id", how="inner", validate="m:1")
        .join(amounts, on="line_id", how="inner", validate="1:1")
        .select(
            "currency",
            "txn_id",
            "merchant_ref",
            "amount_provider",
            discrepancy_id=sentence("given_up:{}", "line_id"),
            type=pl.lit("payout_mismatch"),
            amount_ledger=ZERO,
            line_ids=pl.concat_list("line_id"),
            explanation=told(
                language,
                "payout_given_up",
                payer="payer",
                reference="reference",
                amount=amount_text("amount_provider"),
            ),
        )
    )


def _sent(members: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    payout = expected.select("payout_id", "amount", *_FACTS).with_row_index("row")
    return (
        members.filter(side="entry")
        .join(payout, on="row", how="inner")
        .sort("payout_id")
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("pass", *_FACTS).first(),
            payout_id=pl.col("payout_id").first(),
            amount_ledger=pl.col("amount").sum(),
        )
    )


def not_received(
    matched: Matched,
    late: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    language: Language,
) -> pl.DataFrame:
    """Payouts whose time is over; one with several candidates is ambiguous, and none is taken."""
    alone = late.filter(pl.col("group").is_null()).select("row")
    facts = (
        expected.with_row_index("row")
        .join(alone, on="row", how="semi")
        .join(_candidates(matched, credits), on="row", how="left")
        .join(_unsearched(matched, credits), on="currency", how="left")
    )
    is_doubtful = pl.col("count").fill_null(0) > 0
    is_unsearched = (pl.col("count") == 0) | "is_unsearched"
    rule = disagreements.rule_name(rules)
    in_doubt = told(
        language,
        "payout_in_doubt",
        rule=rule_in(rule, language),
        credits="count",
        candidates="candidates",
        payouts="payouts",
    )
    return facts.select(
        "currency",
        "txn_id",
        "merchant_ref",
        discrepancy_id=sentence("receipt:{}", "payout_id"),
        type=pl.when(is_doubtful)
        .then(pl.lit("ambiguous_match"))
        .otherwise(pl.lit("payout_not_received")),
        amount_ledger="amount",
        line_ids=pl.when(is_doubtful).then("line_ids"),
        rule=pl.when(is_doubtful).then(rule),
        explanation=pl.concat_str(
            _told(
                language,
                "payout_due_not_received",
                "payout_not_received",
                sent=amount_text("amount"),
                due="due_on",
            ),
            pl.when(is_doubtful).then(in_doubt),
            pl.when(~is_doubtful & is_unsearched).then(told(language, "payout_unsearched")),
            ignore_nulls=True,
        ),
    )


def _candidates(matched: Matched, credits: pl.DataFrame) -> pl.DataFrame:
    """Of payouts in doubt (row, pass): the credits that may be it, some of them by name (count,
    line_ids, `candidates` in words), and how many `payouts` may have come as them."""
    theirs = matched.doubts.filter(side="line").select(candidates="row", payouts="count")
    named = credits.select("line_id").with_row_index("candidates")
    ours = matched.doubts.filter(side="entry").select("row", "pass", "count", "candidates")
    unlisted = pl.col("count") > pl.col("line_ids").list.len()
    return (
        ours.explode("candidates")
        .join(named, on="candidates", how="left")
        .join(theirs, on="candidates", how="left")
        .group_by("row")
        .agg(
            pl.col("pass", "count").first(),
            line_ids=pl.col("line_id").drop_nulls().sort(),
            payouts=pl.col("payouts").max(),
        )
        .with_columns(
            candidates=pl.col("line_ids").list.join(", ")
            + pl.when(unlisted).then(pl.lit(", ...")).otherwise(pl.lit(""))
        )
    )


def _unsearched(matched: Matched, credits: pl.DataFrame) -> pl.DataFrame:
    """The currencies of credits for which no search has come to an end."""
    rows = matched.doubts.filter(side="line", count=0)["row"]
    return credits[rows].select("currency", is_unsearched=True).unique()
