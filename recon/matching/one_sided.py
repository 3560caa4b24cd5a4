"""What the other side does not have, as discrepancies: with its candidates, where it has several,
and with a row whose reference looks alike, where there is one."""

from collections.abc import Sequence

import polars as pl

from recon.discrepancies import amount_text, sentence, told, worded
from recon.matching import proposals
from recon.matching.disagreements import rule_name
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.matching.waiting import due_on
from recon.wording import KINDS, STATUSES, Language


def one_sided(
    late: pl.DataFrame,
    side: str,
    matched: Matched,
    others: pl.DataFrame,
    rules: Sequence[MatchRule],
    window_days: int,
    language: Language = "en",
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
    facts = facts.join(matched.attempts.filter(side=side).drop("side"), on="row", how="left")
    verdict, said = _line(language) if side == "line" else _entry(window_days, language)
    is_doubtful = pl.col("candidates").is_not_null()
    own, other = ("line_ids", "entry_ids") if side == "line" else ("entry_ids", "line_ids")
    return facts.select(
        discrepancy_id=sentence("match:{}", "item_id"),
        type=pl.when(is_doubtful).then(pl.lit("ambiguous_match")).otherwise(verdict),
        currency="currency",
        merchant_ref="merchant_ref",
        txn_id="txn_id",
        rule=pl.when(is_doubtful).then(rule_name(rules)),
        explanation=pl.concat_str(said, *_more(side, rules, language), ignore_nulls=True),
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
    named = doubts.drop("candidates").join(named, on="row", how="left")
    return left.join(named, on="row", how="left")


def _gaps(language: Language) -> dict[str, pl.Expr]:
    return {
        "kind": worded(pl.col("kind"), KINDS, language),
        "amount": amount_text("amount"),
        "reference": pl.coalesce("merchant_ref", "txn_id", "item_id"),
        "day": pl.col("business_date"),
    }


def _line(language: Language) -> tuple[pl.Expr, pl.Expr]:
    parent = pl.coalesce("parent_ref", "parent_txn_id")
    is_refund = pl.col("kind") == "refund"
    verdict = (
        pl.when(is_refund & parent.is_null())
        .then(pl.lit("refund_unlinked"))
        .when(pl.col("kind") == "chargeback")
        .then(pl.lit("chargeback_unrecorded"))
        .when(pl.col("kind").is_in(["reserve_hold", "reserve_release"]))
        .then(pl.lit("reserve_unexplained"))
        .otherwise(pl.lit("missing_in_ledger"))
    )
    whose = (
        pl.when(is_refund & parent.is_null())
        .then(told(language, "line_names_no_payment"))
        .when(pl.col("kind").is_in(["refund", "chargeback"]))
        .then(told(language, "line_gives_back", parent=parent))
    )
    said = told(language, "line_alone", **_gaps(language))
    return verdict, pl.concat_str(said, whose, ignore_nulls=True)


def _entry(window_days: int, language: Language) -> tuple[pl.Expr, pl.Expr]:
    said = told(language, "entry_alone", due=due_on(window_days), **_gaps(language))
    return pl.lit("missing_in_provider"), said


def _more(side: str, rules: Sequence[MatchRule], language: Language) -> tuple[pl.Expr, ...]:
    """An attempt that failed, what a person who has to decide needs to see, that a search was not
    ended, and a row that looks alike; null where there is none."""
    is_doubtful = pl.col("candidates").is_not_null()
    unlisted = pl.col("count") > pl.col("candidates").list.len()
    doubt = told(
        language,
        "doubt",
        rule=rule_name(rules),
        count="count",
        candidates=pl.concat_str(
            pl.col("candidates").list.join(", "),
            pl.when(unlisted).then(pl.lit(", ...")).otherwise(pl.lit("")),
        ),
    )
    proposal = told(
        language,
        "perhaps_entry" if side == "line" else "perhaps_line",
        item="alike_id",
        reference="alike_reference",
        percent="alike_percent",
    )
    attempt = told(
        language,
        "line_of_an_attempt" if side == "line" else "entry_of_an_attempt",
        item="attempt",
        status=worded(pl.col("attempt_status"), STATUSES, language),
    )
    is_alike = pl.col("alike_id").is_not_null() & ~is_doubtful
    unsearched = told(language, "search_at_its_limit", rule=rule_name(rules))
    return (
        attempt,
        pl.when(is_doubtful).then(doubt),
        pl.when(pl.col("count") == 0).then(unsearched),
        pl.when(is_alike).then(proposal),
    )
