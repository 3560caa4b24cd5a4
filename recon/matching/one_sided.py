"""What the other side does not have, as discrepancies: with its candidates, where it has several,
and with a row whose reference looks alike, where there is one."""

from collections.abc import Sequence

import polars as pl

from recon.discrepancies import amount_text, sentence
from recon.matching import proposals
from recon.matching.disagreements import rule_name
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule


def one_sided(
    late: pl.DataFrame,
    side: str,
    matched: Matched,
    others: pl.DataFrame,
    rules: Sequence[MatchRule],
    window_days: int,
) -> pl.DataFrame:
    """Rows of one side (`late`: side, row) that have waited their time, as discrepancies.

    `others` is ITEM of the whole other side. A row with several candidates is ambiguous; none of
    them was taken.
    """
    left = matched.lines_left if side == "line" else matched.entries_left
    chosen = late.filter(side=side).select("row")
    if chosen.height == 0:
        return chosen
    other_left = matched.entries_left if side == "line" else matched.lines_left
    facts = _with_candidates(left.join(chosen, on="row", how="semi"), side, matched, others)
    facts = facts.join(proposals.alike(facts, other_left), on="row", how="left")
    verdict, said = _line(facts) if side == "line" else _entry(window_days)
    is_doubtful = pl.col("candidates").is_not_null()
    own, other = ("line_ids", "entry_ids") if side == "line" else ("entry_ids", "line_ids")
    return facts.select(
        discrepancy_id=sentence("match:{}", "item_id"),
        type=pl.when(is_doubtful).then(pl.lit("ambiguous_match")).otherwise(verdict),
        currency="currency",
        merchant_ref="merchant_ref",
        txn_id="txn_id",
        rule=pl.when(is_doubtful).then(rule_name(rules)),
        explanation=pl.concat_str(said, _doubt(rules), _proposal(side), ignore_nulls=True),
        **{"amount_provider" if side == "line" else "amount_ledger": pl.col("amount")},
        **{own: pl.concat_list("item_id"), other: pl.col("candidates")},
    )


def _with_candidates(
    left: pl.DataFrame, side: str, matched: Matched, others: pl.DataFrame
) -> pl.DataFrame:
    """ITEM + row, with `pass`, `count` and the ids of `candidates` of rows in doubt."""
    doubts = matched.doubts.filter(side=side).select("row", "pass", "count", "candidates")
    ids = others.select(candidate_id="item_id").with_row_index("candidate")
    named = (
        doubts.explode("candidates")
        .join(ids, left_on="candidates", right_on="candidate", how="inner")
        .group_by("row")
        .agg(pl.col("candidate_id").sort().alias("candidates"))
    )
    named = doubts.drop("candidates").join(named, on="row", how="inner")
    return left.join(named, on="row", how="left")


def _reference() -> pl.Expr:
    return pl.coalesce("merchant_ref", "txn_id", "item_id")


def _line(facts: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    is_orphan = pl.col("parent_txn_id").is_null() & pl.col("parent_ref").is_null()
    verdict = (
        pl.when((pl.col("kind") == "refund") & is_orphan)
        .then(pl.lit("refund_unlinked"))
        .when(pl.col("kind") == "chargeback")
        .then(pl.lit("chargeback_unrecorded"))
        .otherwise(pl.lit("missing_in_ledger"))
    )
    said = sentence(
        "The provider reports a {} of {} ({}) that the ledger does not have.",
        pl.col("kind").str.replace_all("_", " "),
        amount_text("amount"),
        _reference(),
    )
    return verdict, said


def _entry(window_days: int) -> tuple[pl.Expr, pl.Expr]:
    said = sentence(
        "The ledger has a {} of {} ({}) of {} that the provider has not reported within {} day(s).",
        pl.col("kind").str.replace_all("_", " "),
        amount_text("amount"),
        _reference(),
        pl.col("business_date").cast(pl.String),
        pl.lit(str(window_days)),
    )
    return pl.lit("missing_in_provider"), said


def _doubt(rules: Sequence[MatchRule]) -> pl.Expr:
    """What a person who has to decide needs to see; null where there is nothing to decide."""
    said = sentence(
        " By the rule '{}' it has {} candidate(s) that cannot be told apart ({}{}), so none was "
        "taken.",
        rule_name(rules),
        pl.col("count").cast(pl.String),
        pl.col("candidates").list.join(", "),
        pl.when(pl.col("count") > pl.col("candidates").list.len())
        .then(pl.lit(", ..."))
        .otherwise(pl.lit("")),
    )
    return pl.when(pl.col("candidates").is_not_null()).then(said)


def _proposal(side: str) -> pl.Expr:
    where = "the ledger's" if side == "line" else "the provider's"
    said = sentence(
        " Perhaps it is {} {}, whose reference {} is {} percent alike.",
        pl.lit(where),
        "alike_id",
        "alike_reference",
        pl.col("alike_percent").cast(pl.String),
    )
    return pl.when(pl.col("alike_id").is_not_null() & pl.col("candidates").is_null()).then(said)
