"""The second stage: lines and entries of a day are matched, with what earlier days left open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from recon import findings
from recon.boundary import check
from recon.day import DayInput, Policy, Store
from recon.discrepancies import Day
from recon.matching import engine, explain, waiting
from recon.matching.items import carried_items, entry_items, line_items, number_repeats
from recon.matching.plain import plain_pairs
from recon.matching.rules import MatchRule
from recon.normalization import Normalized


@dataclass(frozen=True)
class Matching:
    """What matching makes of the day."""

    matches: pl.LazyFrame
    discrepancies: pl.DataFrame
    open_items: pl.DataFrame
    conservation: pl.DataFrame


def match(
    day: DayInput,
    policy: Policy,
    whose: Day,
    missing: list[str],
    normalized: Normalized,
    store: Store,
) -> Matching:
    """Lines and entries of the day, and what earlier days left open, against each other.

    What a missing statement may still show waits for it, a day longer than its window if need be.
    """
    account = day.account
    windows = waiting.Windows(
        account.line_window_days, account.entry_window_days, account.date_tolerance_days
    )
    sides = _items(day, normalized)
    rules = rules_of(day, policy.rules)
    late = None
    tomorrow = day.business_date + timedelta(days=1)
    if missing or (day.expected.state == "closed" and not day.statements):
        kinds = _waiting_kinds(day, missing)
        late = pl.lit(value=True) if kinds is None else pl.col("kind").is_in(sorted(kinds))
        rules = () if kinds is None else rules
    plain = plain_pairs(*sides, rules, windows.date_tolerance_days)
    lines, entries = number_repeats(plain.lines), plain.entries
    if late is not None:
        lines = waiting.put_off(lines, windows.line_days, tomorrow, late)
        entries = waiting.put_off(entries, windows.entry_days, tomorrow, late)
    may_wait = waiting.may_wait(windows, day.business_date)
    matched = engine.match(
        lines, entries, rules, windows.date_tolerance_days, plain.differing, may_wait
    )
    found = pl.concat(
        [explain.plain_matches(plain, rules), explain.matches(matched, lines, entries, rules)]
    )
    check("MATCH", found)
    kept, _ = store({"matches": found}, [])
    left = waiting.open_items(matched, windows, day.business_date)
    check("OPEN_ITEM", left)
    newly_late = waiting.newly_late(matched, windows, day.business_date)
    rest = findings.conservation(
        matched, lines, entries, newly_late, normalized.rejects, day.entry_rejects
    )
    return Matching(
        matches=kept["matches"],
        discrepancies=explain.discrepancies(matched, lines, entries, rules, windows, whose),
        open_items=left,
        conservation=findings.conserved(rest, plain, *sides),
    )


def _items(day: DayInput, normalized: Normalized) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Both sides as ITEM: the day's own, then what was carried.

    An entry that was carried and is now dated today is one entry, so the carried copy is dropped.
    """
    lines, entries = line_items(normalized.lines), entry_items(day.entries)
    carried_lines, carried_entries = (
        day.open_items.filter(pl.col("side") == side) for side in ("line", "entry")
    )
    if carried_lines.height:
        lines = pl.concat([lines, carried_items(carried_lines)])
    if carried_entries.height:
        old = carried_items(carried_entries).join(day.entries, left_on="item_id",
                                                  right_on="entry_id", how="anti")  # fmt: skip
        entries = pl.concat([entries, old])
    for items in (lines, entries):
        findings.ensure_summable(items)
    return lines, entries


def _waiting_kinds(day: DayInput, missing: list[str]) -> frozenset[str] | None:
    """The kinds of movement that only a missing statement can show; None: all of them.

    Without the statement of the movements themselves every entry would look like a difference.
    """
    carried_by = [day.provider.kind(kind).matched_kinds for kind in missing]
    if None in carried_by or not day.statements:
        return None
    return frozenset().union(*(kinds for kinds in carried_by if kinds is not None))


def rules_of(day: DayInput, given: Sequence[MatchRule]) -> tuple[MatchRule, ...]:
    """The rules of the account's provider; windows in business days know the account's holidays."""
    rules = []
    for rule in given:
        if rule.providers is not None and day.account.provider not in rule.providers:
            continue
        window = rule.date_window
        if window is not None and window.in_business_days:
            rule = replace(rule, date_window=replace(window, holidays=day.holidays))
        rules.append(rule)
    return tuple(rules)
