"""Pairs that are the same money and differ in something, each as one discrepancy in plain words."""

from collections.abc import Sequence

import polars as pl

from recon.discrepancies import amount_text, sentence, told, worded
from recon.matching import still
from recon.matching.differences import Difference, both_sides, differences
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.matching.statuses import is_before
from recon.money import MONEY
from recon.tables import MISMATCHED_FIELD
from recon.wording import FIELDS, KINDS, STATUSES, Language


def rule_name(rules: Sequence[MatchRule]) -> pl.Expr:
    """The name of the rule numbered `pass`."""
    chosen = [
        pl.when(pl.col("pass") == n).then(pl.lit(rule.name)) for n, rule in enumerate(rules, 1)
    ]
    moves_nothing = pl.when(pl.col("pass") == still.PASS).then(pl.lit(still.RULE))
    return pl.coalesce(*chosen, moves_nothing)


def differing_pairs(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
    language: Language = "en",
) -> pl.DataFrame:
    """Pairs that are the same money and differ in something, each with all of it."""
    pairs = matched.pairs.filter(~pl.col("clean"))
    if pairs.height == 0:
        return pairs
    both = both_sides(Side.of(lines), Side.of(entries), pairs)
    found = differences(rules, date_tolerance_days)
    facts = both.with_columns(
        type=pl.coalesce(
            pl.when(difference.test).then(pl.lit(name)) for name, difference in found.items()
        ),
        mismatched_fields=_fields(found),
    )
    other_currency = found["currency_mismatch"].test
    return facts.select(
        discrepancy_id=sentence("match:{}", "item_id"),
        type="type",
        currency="currency",
        amount_provider="amount",
        amount_ledger=pl.when(~other_currency).then("amount_ledger"),
        merchant_ref=pl.coalesce("merchant_ref", "merchant_ref_ledger"),
        txn_id=pl.coalesce("txn_id", "txn_id_ledger"),
        line_ids=pl.concat_list("item_id"),
        entry_ids=pl.concat_list("item_id_ledger"),
        rule=rule_name(rules),
        mismatched_fields="mismatched_fields",
        explanation=pl.concat_str(
            _said(found, language), _also(found, language), ignore_nulls=True
        ),
    )


def _fields(found: dict[str, Difference]) -> pl.Expr:
    """All that differs, the gravest first."""
    fields = pl.concat_list(
        pl.when(difference.test).then(
            pl.struct(
                field=pl.lit(difference.field),
                ledger=difference.ledger,
                provider=difference.provider,
            )
        )
        for difference in found.values()
    )
    return fields.list.drop_nulls().cast(pl.List(MISMATCHED_FIELD))


def _said(found: dict[str, Difference], language: Language) -> pl.Expr:
    """The sentence about what gave the pair its type."""
    line_status, entry_status = pl.col("status"), pl.col("status_ledger")
    days = (pl.col("business_date") - pl.col("business_date_ledger")).dt.total_days().abs()
    gaps = {
        "kind": worded(pl.col("kind"), KINDS, language),
        "reference": pl.coalesce("merchant_ref", "txn_id", "item_id"),
        "provider": amount_text("amount"),
        "ledger": amount_text("amount_ledger", "currency_ledger"),
        "difference": amount_text(
            (pl.col("amount") - pl.col("amount_ledger")).cast(MONEY), "currency"
        ),
        "provider_status": worded(line_status, STATUSES, language),
        "ledger_status": worded(entry_status, STATUSES, language),
        "provider_reference": found["reference_mismatch"].provider,
        "ledger_reference": found["reference_mismatch"].ledger,
        "provider_day": pl.col("business_date"),
        "ledger_day": pl.col("business_date_ledger"),
        "days": days,
    }
    by_status = (
        pl.when(is_before(entry_status, line_status))
        .then(told(language, "ledger_is_behind", **gaps))
        .when(is_before(line_status, entry_status))
        .then(told(language, "ledger_is_ahead", **gaps))
        .otherwise(told(language, "statuses_contradict", **gaps))
    )
    sentences = [
        pl.when(type=name).then(
            by_status if name == "status_mismatch" else told(language, name, **gaps)
        )
        for name in found
    ]
    return pl.coalesce(sentences)


def _also(found: dict[str, Difference], language: Language) -> pl.Expr:
    """What differs besides; null where nothing does."""
    field = pl.element().struct.field("field")
    values = [
        pl.when(field == "status")
        .then(worded(pl.element().struct.field(side), STATUSES, language))
        .otherwise(pl.element().struct.field(side))
        for side in ("ledger", "provider")
    ]
    each = told(
        language,
        "field",
        field=worded(field, FIELDS, language),
        ledger=values[0],
        provider=values[1],
    )
    besides = pl.col("mismatched_fields").list.slice(1)
    listed = besides.list.eval(each).list.join("; ")
    return pl.when(besides.list.len() > 0).then(told(language, "also_differs", fields=listed))
