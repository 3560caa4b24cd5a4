"""The passes: rules in order, each row used at most once, a repeated key never paired by order.

Rows are joined on a 64-bit hash of their keys, which is three times as fast as joining on text, and
every pair's real keys are compared afterwards, so that a collision can neither pair nor part rows.
The result does not depend on the order of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.errors import ensure
from recon.matching import covers, groups, near, still
from recon.matching.differences import are_clean
from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.tables import Schema

# A pair is clean when nothing but the ids of its two sides differs.
PLACED_SCHEMA = {"line_row": pl.UInt32, "entry_row": pl.UInt32, "pass": pl.UInt8}
PAIR_SCHEMA = {**PLACED_SCHEMA, "clean": pl.Boolean}
# Lines and entries that belong together; `verdict` is "matched", a discrepancy type, or "split":
# parts that do not add up yet, whose rows are left open as well. Of pass 0 is what moves no money.
GROUP_SCHEMA = {
    "group": pl.UInt32,
    "side": pl.String,
    "row": pl.UInt32,
    "pass": pl.UInt8,
    "verdict": pl.String,
}
# One-sided rows that have candidates, too many to choose from.
DOUBT_SCHEMA: Schema = {"pass": pl.UInt8(), **covers.DOUBT}


@dataclass(frozen=True)
class Matched:
    """Rows refer to positions in the two frames of ITEM that were matched."""

    pairs: pl.DataFrame  # PAIR_SCHEMA
    groups: pl.DataFrame  # GROUP_SCHEMA
    lines_left: pl.DataFrame  # ITEM + row: one-sided
    entries_left: pl.DataFrame  # ITEM + row: one-sided
    doubts: pl.DataFrame  # DOUBT_SCHEMA
    attempts: pl.DataFrame  # still.ATTEMPT, of one-sided rows


def match(
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
    paired: pl.DataFrame | None = None,
    may_wait: tuple[pl.Expr, pl.Expr] = (pl.lit(value=False), pl.lit(value=False)),
) -> Matched:
    """Pair lines with entries (both ITEM). Every row of a side is in exactly one of the parts.

    `paired` (PLACED_SCHEMA) is what the first rules have paired already; see `plain`. `may_wait`
    tells, of either side, the rows that are no discrepancy yet where they stay alone.
    """
    pending, ended = (
        [still.rows_of(items, statuses) for items in (lines, entries)]
        for statuses in (still.PENDING, still.ENDED)
    )
    ours, theirs = (
        Side.of(items).without(pl.concat(idle))
        for items, *idle in zip((lines, entries), pending, ended, strict=True)
    )
    pairs: list[pl.DataFrame] = []
    if paired is not None:
        for by_rule in paired.partition_by("pass", maintain_order=True):
            clean = are_clean(ours, theirs, by_rule, rules, date_tolerance_days)
            pairs.append(by_rule.with_columns(clean))
        ours, theirs = ours.without(paired["line_row"]), theirs.without(paired["entry_row"])
    ours, theirs, found = _passes(ours, theirs, rules, date_tolerance_days)
    failed = list[pl.DataFrame]()
    if any(rows.len() for rows in ended):  # what the money has left they may contradict
        sides = ours.with_again(ended[0]), theirs.with_again(ended[1])
        ours, theirs, contradicting = _passes(*sides, rules, date_tolerance_days, "txn_id")
        found += contradicting
        failed = _passes(ours, theirs, rules, date_tolerance_days)[2]
    attempts = still.attempts(failed, (lines, entries), ended, may_wait)
    kept = attempts.lines, attempts.entries
    idle = tuple(
        pl.concat([rows, over.filter(over.is_in(side.without(some).left.implode()))])
        for rows, over, side, some in zip(pending, ended, (ours, theirs), kept, strict=True)
    )
    ours, theirs = ours.without(idle[0]), theirs.without(idle[1])
    pairs += [one for one in found if "clean" in one.columns]
    grouped = [one for one in found if "verdict" in one.columns]
    groups_found = _numbered([*grouped, still.groups_of(idle, (lines, entries))])
    split = groups_found.filter(verdict="split")
    matched = Matched(
        pl.concat(pairs).select(list(PAIR_SCHEMA)) if pairs else pl.DataFrame(schema=PAIR_SCHEMA),
        groups_found,
        ours.with_again(split.filter(side="line")["row"]).rows_left(),
        theirs.with_again(split.filter(side="entry")["row"]).rows_left(),
        _doubts(ours.without(kept[0]), theirs.without(kept[1]), rules),
        attempts.of,
    )
    _ensure_conserved(matched, lines.height, entries.height)
    return matched


def _passes(
    lines: Side,
    entries: Side,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
    by: str | None = None,
) -> tuple[Side, Side, list[pl.DataFrame]]:
    """What the rules leave of both sides, and what they find of them: pairs, and groups. `by` is a
    key that a rule must have."""
    # Rows are only taken away from here on, so a rule whose keys do not meet now is through.
    usable = [
        (number, rule)
        for number, rule in enumerate(rules, start=1)
        if (by is None or by in rule.keys) and _may_find(lines, entries, rule)
    ]
    every = []
    # What two rows shared may be one row's own once the other is matched, hence again and again.
    while (found := _next(lines, entries, rules, usable, date_tolerance_days)) is not None:
        every.append(found)
        if "verdict" in found.columns:
            taken = [found.filter(side=side)["row"] for side in ("line", "entry")]
        else:
            taken = [found["line_row"], found["entry_row"]]
        lines, entries = lines.without(taken[0]), entries.without(taken[1])
    return lines, entries, every


def _may_find(lines: Side, entries: Side, rule: MatchRule) -> bool:
    """False where no line and entry have the same keys, as the rule reads them."""
    return bool(lines.keyed(rule)["hash"].is_in(entries.keyed(rule)["hash"].implode()).any())


def _next(
    lines: Side,
    entries: Side,
    rules: Sequence[MatchRule],
    numbered: Sequence[tuple[int, MatchRule]],
    date_tolerance_days: int,
) -> pl.DataFrame | None:
    """What the first rule finds that is certain, else what waits for the rest of an order, else
    what the first rule finds that is in dispute."""
    if lines.left.is_empty() or entries.left.is_empty():
        return None
    for number, rule in numbered:
        found = _pairs(lines, entries, rules, number, date_tolerance_days)
        if found.height == 0:
            found = _agreeing(lines, entries, rule, date_tolerance_days)
        if found.height:
            return found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass"))
    by_key = [(n, rule) for n, rule in numbered if not rule.is_near and rule.groups != "subset"]
    in_parts = [(n, rule) for n, rule in by_key if rule.groups in ("equal", "parts", "sum")]
    for chosen, verdicts in ((in_parts, ["split"]), (by_key, groups.VERDICTS)):
        for number, rule in chosen:
            found = groups.judge(lines, entries, rule, date_tolerance_days)
            found = found.filter(pl.col("verdict").is_in(verdicts))
            if found.height:
                return found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass"))
    return None


def _pairs(
    lines: Side,
    entries: Side,
    rules: Sequence[MatchRule],
    number: int,
    date_tolerance_days: int,
) -> pl.DataFrame:
    """Pairs of one pass that no other row could be part of, in an order of their content."""
    rule = rules[number - 1]
    if rule.groups == "subset":
        return pl.DataFrame(schema=PAIR_SCHEMA)
    found = near.pairs(lines, entries, rule) if rule.is_near else _unique(lines, entries, rule)
    found = found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass"))
    found = found.with_columns(are_clean(lines, entries, found, rules, date_tolerance_days))
    # An order that may be paid in parts is not paired with the first of them.
    return (
        found
        if rule.groups not in ("parts", "sum")
        else found.filter(_is_whole(lines, entries, found))
    )


def _unique(lines: Side, entries: Side, rule: MatchRule) -> pl.DataFrame:
    """Pairs (line_row, entry_row) whose keys are equal and that no other row has."""
    pairs = (
        lines.single(rule)
        .rename({"row": "line_row"})
        .join(entries.single(rule).rename({"row": "entry_row"}), on="hash", how="inner")
        .sort("hash")
        .drop("hash")
    )
    if pairs.is_empty():
        return pairs
    if rule.forms:
        ours, theirs = (
            side.keys(rule, pairs[row])
            for side, row in ((lines, "line_row"), (entries, "entry_row"))
        )
        same = pl.all_horizontal((ours[key] == theirs[key]).alias(key) for key in rule.equal_keys)
        return pairs.filter(pl.select(same).to_series())
    for key in rule.equal_keys:
        ours_, theirs_ = lines.items[key], entries.items[key]
        pairs = pairs.filter(ours_.gather(pairs["line_row"]) == theirs_.gather(pairs["entry_row"]))
    return pairs


def _is_whole(lines: Side, entries: Side, pairs: pl.DataFrame) -> pl.Series:
    """False where two amounts of one currency and sign differ: one may be part of the other."""
    amounts = [
        side.items[column].gather(pairs[row])
        for column in ("amount", "currency")
        for side, row in ((lines, "line_row"), (entries, "entry_row"))
    ]
    line, entry, currency, booked = amounts
    return pairs["clean"] | (currency != booked) | ((line > 0) != (entry > 0)) | (line == entry)


def _agreeing(
    lines: Side, entries: Side, rule: MatchRule, date_tolerance_days: int
) -> pl.DataFrame:
    """Groups a rule may match without choosing: equal ones, those that add up, the only set."""
    if rule.groups == "subset":
        return covers.find(lines, entries, rule)[0].with_columns(verdict=pl.lit("matched"))
    if rule.groups == "none":
        return pl.DataFrame()
    return groups.judge(lines, entries, rule, date_tolerance_days).filter(verdict="matched")


def _doubts(lines: Side, entries: Side, rules: Sequence[MatchRule]) -> pl.DataFrame:
    """What is left and has candidates by some rule; the first rule that sees any is named."""
    parts = [pl.DataFrame(schema=dict(DOUBT_SCHEMA))]
    for number, rule in enumerate(rules, start=1):
        if rule.groups == "subset":
            found = covers.find(lines, entries, rule)[1]
        elif rule.is_near:
            found = near.doubts(lines, entries, rule)
        else:
            continue
        parts.append(
            found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass")).select(
                pl.col(name).cast(dtype) for name, dtype in DOUBT_SCHEMA.items()
            )
        )
    # A search that came to no end says less than any candidate.
    told = pl.concat(parts).sort(pl.col("count") == 0, maintain_order=True)
    return told.unique(["side", "row"], keep="first", maintain_order=True)


def _numbered(found: list[pl.DataFrame]) -> pl.DataFrame:
    """Number the groups by their smallest member, so that the order of rows does not show."""
    together = pl.concat(
        part.select("group_key", "side", pl.col("row").cast(pl.UInt32), "verdict", "pass")
        for part in found
    )
    number = pl.struct("pass", "group_key").rank("dense").cast(pl.UInt32)
    return together.with_columns(group=number).select(list(GROUP_SCHEMA)).sort("group", "side")


def _ensure_conserved(result: Matched, line_count: int, entry_count: int) -> None:
    """No row is lost, and none taken twice, which would leave more than there were."""
    taken = result.groups.filter(pl.col("verdict") != "split")
    lines = result.pairs.height + result.lines_left.height + taken.filter(side="line").height
    entries = result.pairs.height + result.entries_left.height + taken.filter(side="entry").height
    ensure(lines == line_count, f"matching has {lines} lines of {line_count}")
    ensure(entries == entry_count, f"matching has {entries} entries of {entry_count}")
