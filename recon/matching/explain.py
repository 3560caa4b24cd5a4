"""From matched rows to tables: MATCH, DISCREPANCY in plain words, OPEN_ITEM for the next day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence
from recon.matching.engine import Matched
from recon.matching.rules import ITEM, MatchRule
from recon.money import MONEY, ZERO, to_display
from recon.tables import DISCREPANCY, MATCH, MISMATCHED_FIELD, OPEN_ITEM, empty


@dataclass(frozen=True)
class Windows:
    """How many business days each side waits for the other before it is a discrepancy."""

    line_days: int
    entry_days: int
    date_tolerance_days: int


def matches(
    matched: Matched, lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule]
) -> pl.LazyFrame:
    """MATCH: clean 1:1 pairs, one row each, then groups, one row a member.

    Lazy, so that what is the same on every row is made while it is written.
    """
    names = [rule.name for rule in rules]
    all_clean = bool(matched.pairs["clean"].all())
    clean = matched.pairs if all_clean else matched.pairs.filter("clean")
    entry_id = entries["item_id"].gather(clean["entry_row"])
    one_to_one = pl.LazyFrame(
        {
            "match_id": entry_id,
            "pass": clean["pass"],
            "line_id": lines["item_id"].gather(clean["line_row"]),
            "entry_id": entry_id,
            "allocated": lines["amount"].gather(clean["line_row"]),
        }
    ).with_columns(rule=_rule_name(names), cardinality=pl.lit("1:1"), residual=ZERO)
    parts = [one_to_one.select(list(MATCH))]
    groups = matched.groups.filter(verdict="matched")
    if groups.height:
        members = _group_members(groups, lines, entries).lazy()
        parts.append(
            members.with_columns(rule=_rule_name(names), residual=ZERO).select(list(MATCH))
        )
    return pl.concat(parts)


def _rule_name(names: Sequence[str]) -> pl.Expr:
    chosen = [pl.when(pl.col("pass") == n).then(pl.lit(name)) for n, name in enumerate(names, 1)]
    return pl.coalesce(*chosen, pl.lit(None, dtype=pl.String))


def _members(groups: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """The members of groups with what their ITEM says, in the order of their ids."""
    return pl.concat(
        groups.filter(side=side).join(items.with_row_index("row"), on="row", how="inner")
        for side, items in (("line", lines), ("entry", entries))
    ).sort("group", "item_id")


def _group_members(
    groups: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame
) -> pl.DataFrame:
    """One row a member, on its own side; the group is named after its smallest member."""
    members = _members(groups, lines, entries)
    is_line = pl.col("side") == "line"
    counts = [condition.sum().over("group") for condition in (is_line, ~is_line)]
    return members.select(
        match_id=pl.col("item_id").min().over("group"),
        cardinality=pl.concat_str(
            [
                pl.when(count == 1).then(pl.lit("1")).otherwise(pl.lit(many))
                for count, many in zip(counts, ("N", "M"), strict=True)
            ],
            separator=":",
        ).cast(pl.String),
        line_id=pl.when(is_line).then("item_id"),
        entry_id=pl.when(~is_line).then("item_id"),
        allocated="amount",
        **{"pass": "pass"},
    )


def discrepancies(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    windows: Windows,
    day: Day,
) -> pl.DataFrame:
    """DISCREPANCY of matching: pairs that differ, repeated keys, one-sided rows past a window."""
    names = [rule.name for rule in rules]
    parts = [
        _differing_pairs(matched, lines, entries, names, windows),
        _repeated_keys(matched, lines, entries, names),
        _one_sided(matched.lines_left, "line", windows.line_days, day.business_date),
        _one_sided(matched.entries_left, "entry", windows.entry_days, day.business_date),
    ]
    found = [complete(part, day) for part in parts if part.height]
    return pl.concat(found) if found else empty(DISCREPANCY)


def open_items(matched: Matched, windows: Windows, business_date: date) -> pl.DataFrame:
    """OPEN_ITEM: everything one-sided is carried on, what is past its window as `overdue`."""
    parts = []
    for items, side, days in (
        (matched.lines_left, "line", windows.line_days),
        (matched.entries_left, "entry", windows.entry_days),
    ):
        overdue = pl.col("reported") | ~_is_open(days, business_date)
        parts.append(
            items.with_columns(
                side=pl.lit(side),
                due_on=_due_on(days),
                state=pl.when(overdue).then(pl.lit("overdue")).otherwise(pl.lit("open")),
            ).select(pl.col(name).cast(dtype) for name, dtype in OPEN_ITEM.items())
        )
    return pl.concat(parts).sort("side", "item_id")


def put_off(items: pl.DataFrame, window_days: int, until: date, late: pl.Expr) -> pl.DataFrame:
    """ITEM where what `late` tells waits at least `until`: its statement has not come yet."""
    later = pl.max_horizontal(_due_on(window_days), pl.lit(until))
    return items.with_columns(due_on=pl.when(late).then(later).otherwise("due_on"))


def _due_on(window_days: int) -> pl.Expr:
    """The last business date on which an item is merely open; a day that could not be matched for
    want of a statement has put it off."""
    return pl.coalesce("due_on", pl.col("business_date") + pl.duration(days=window_days - 1))


def _is_open(window_days: int, business_date: date) -> pl.Expr:
    return pl.lit(business_date) <= _due_on(window_days)


def _one_sided(items: pl.DataFrame, side: str, window_days: int, today: date) -> pl.DataFrame:
    late = items.filter(~pl.col("reported") & ~_is_open(window_days, today))
    if late.height == 0:
        return late
    amount = amount_text("amount")
    what = pl.col("kind").str.replace_all("_", " ")
    reference = pl.coalesce("merchant_ref", "txn_id", "item_id")
    if side == "line":
        is_orphan = pl.col("parent_txn_id").is_null() & pl.col("parent_ref").is_null()
        verdict = (
            pl.when((pl.col("kind") == "refund") & is_orphan)
            .then(pl.lit("refund_unlinked"))
            .when(pl.col("kind") == "chargeback")
            .then(pl.lit("chargeback_unrecorded"))
            .otherwise(pl.lit("missing_in_ledger"))
        )
        said = sentence("The provider reports a {} of {} ({}) that the ledger does not have.",
                             what, amount, reference)  # fmt: skip
        amounts = {"amount_provider": pl.col("amount")}
        ids = {"line_ids": pl.concat_list("item_id")}
    else:
        verdict = pl.lit("missing_in_provider")
        said = sentence(
            "The ledger has a {} of {} ({}) of {} that the provider has not reported "
            "within {} day(s).",
            what, amount, reference, pl.col("business_date").cast(pl.String), pl.lit(window_days),
        )  # fmt: skip
        amounts = {"amount_ledger": pl.col("amount")}
        ids = {"entry_ids": pl.concat_list("item_id")}
    return late.select(
        discrepancy_id=sentence("match:{}", "item_id"),
        type=verdict,
        currency="currency",
        merchant_ref="merchant_ref",
        txn_id="txn_id",
        explanation=said,
        **amounts,
        **ids,
    )


def _differing_pairs(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    names: Sequence[str],
    windows: Windows,
) -> pl.DataFrame:
    pairs = matched.pairs.filter(~pl.col("clean"))
    if pairs.height == 0:
        return pairs
    sides = [
        lines[pairs["line_row"]],
        entries[pairs["entry_row"]].rename({name: f"{name}_ledger" for name in ITEM}),
        pairs.select("pass"),
    ]
    both = pl.concat(sides, how="horizontal")
    differs = _differences(windows.date_tolerance_days)
    verdict = pl.coalesce(pl.when(test).then(pl.lit(name)) for name, (test, _) in differs.items())
    other_currency = differs["currency_mismatch"][0]
    fields = pl.concat_list(
        pl.when(test).then(pl.struct(field=pl.lit(text[0]), ledger=text[1], provider=text[2]))
        for test, text in differs.values()
    ).list.drop_nulls()
    facts = both.with_columns(
        type=verdict, mismatched_fields=fields.cast(pl.List(MISMATCHED_FIELD))
    )
    said = pl.col("mismatched_fields").list.eval(
        sentence(
            "{}: ledger {}, provider {}",
            pl.element().struct.field("field"),
            pl.element().struct.field("ledger"),
            pl.element().struct.field("provider"),
        )
    )
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
        rule=_rule_name(names),
        mismatched_fields="mismatched_fields",
        explanation=sentence(
            "The {} {} is on both sides but differs in {}.",
            pl.col("kind").str.replace_all("_", " "),
            pl.coalesce("merchant_ref", "txn_id", "item_id"),
            said.list.join("; "),
        ),
    )


def _differences(
    date_tolerance_days: int,
) -> dict[str, tuple[pl.Expr, tuple[str, pl.Expr, pl.Expr]]]:
    """Type -> (test, (field, ledger text, provider text)), the gravest first: it names the type."""

    def unlike(column: str) -> pl.Expr:
        ours, theirs = pl.col(column), pl.col(f"{column}_ledger")
        return ours.is_not_null() & theirs.is_not_null() & (ours != theirs)

    amounts = (
        "amount",
        to_display(pl.col("amount_ledger"), pl.col("currency_ledger")),
        to_display(pl.col("amount"), pl.col("currency")),
    )
    mirrored = (pl.col("amount") == -pl.col("amount_ledger")) & (pl.col("amount") != ZERO)
    days = (pl.col("business_date") - pl.col("business_date_ledger")).dt.total_days().abs()
    dates = [pl.col(name).cast(pl.String) for name in ("business_date_ledger", "business_date")]
    references = unlike("merchant_ref") | unlike("txn_id")
    reference_field = "merchant_ref", pl.col("merchant_ref_ledger"), pl.col("merchant_ref")
    txn_field = "txn_id", pl.col("txn_id_ledger"), pl.col("txn_id")
    chosen = [
        pl.when(unlike("merchant_ref")).then(reference_field[side]).otherwise(txn_field[side])
        for side in (1, 2)
    ]
    return {
        "currency_mismatch": (
            unlike("currency"),
            ("currency", pl.col("currency_ledger"), pl.col("currency")),
        ),
        "direction_mismatch": (mirrored, ("direction", amounts[1], amounts[2])),
        "amount_mismatch": (
            ~mirrored & (pl.col("amount") != pl.col("amount_ledger")),
            ("amount", amounts[1], amounts[2]),
        ),
        "status_mismatch": (
            unlike("status"),
            ("status", pl.col("status_ledger"), pl.col("status")),
        ),
        "reference_mismatch": (references, ("reference", chosen[0], chosen[1])),
        "date_mismatch": (
            days > date_tolerance_days,
            ("business_date", dates[0], dates[1]),
        ),
    }


def _repeated_keys(
    matched: Matched, lines: pl.DataFrame, entries: pl.DataFrame, names: Sequence[str]
) -> pl.DataFrame:
    groups = matched.groups.filter(pl.col("verdict") != "matched")
    if groups.height == 0:
        return groups
    members = _members(groups, lines, entries)
    is_line = pl.col("side") == "line"
    summed = members.group_by("group", maintain_order=True).agg(
        pl.col("verdict", "pass", "kind").first(),
        currency=pl.coalesce(
            pl.col("currency").filter(is_line).first(), pl.col("currency").first()
        ),
        amount_provider=pl.col("amount").filter(is_line).sum().cast(MONEY),
        amount_ledger=pl.col("amount").filter(~is_line).sum().cast(MONEY),
        line_ids=pl.col("item_id").filter(is_line),
        entry_ids=pl.col("item_id").filter(~is_line),
        merchant_ref=pl.col("merchant_ref").drop_nulls().min(),
        txn_id=pl.col("txn_id").drop_nulls().min(),
    )
    return summed.select(
        "currency",
        "amount_provider",
        "amount_ledger",
        "line_ids",
        "entry_ids",
        "merchant_ref",
        "txn_id",
        discrepancy_id=sentence("match:{}", pl.col("line_ids").list.min()),
        type="verdict",
        rule=_rule_name(names),
        explanation=sentence(
            "{} has {} line(s) at the provider, {} in all, and {} in the ledger, {} in all: {}.",
            pl.coalesce("merchant_ref", "txn_id"),
            pl.col("line_ids").list.len(),
            amount_text("amount_provider"),
            pl.col("entry_ids").list.len(),
            amount_text("amount_ledger"),
            pl.col("verdict").replace_strict(
                {
                    "duplicate_in_provider": "the provider repeats it",
                    "duplicate_in_ledger": "the ledger repeats it",
                    "ambiguous_match": "equally good candidates, so none was paired",
                },
                return_dtype=pl.String,
            ),
        ),
    )
