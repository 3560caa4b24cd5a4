"""The order of the stages for one provider account and business date, told once.

`run_day` reads like a table of contents. It runs each stage through a `step` function: a plain
call on the command line, a Prefect task in the flows. Stages are pure: frames and settings in,
frames out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import polars as pl

from recon import exchange, findings, repeats
from recon.boundary import check
from recon.control.open_items import cleared_items
from recon.control.write_offs import small_differences, without_written_off
from recon.day import DayInput, Policy, Store
from recon.discrepancies import Day
from recon.errors import ensure
from recon.fees import assess, variances
from recon.fees.counting import Past
from recon.fees.withdrawals import Charges, charges, with_merchants
from recon.journal.given_up import given_up
from recon.journal.postings import Movements, postings
from recon.journal.proposals import proposed_entries
from recon.matching import engine, explain, origins, waiting
from recon.matching.items import carried_items, entry_items, line_items, number_repeats
from recon.matching.plain import plain_pairs
from recon.matching.rules import MatchRule
from recon.normalization import Normalized, normalize
from recon.receipts import NOTHING_RECEIVED, Received, receive, told_once
from recon.results import DayResult
from recon.settlement.payouts import payouts
from recon.settlement.settled import Before, Settlement, settled
from recon.tables import DISCREPANCY, FEE_SUMMARY, empty
from recon.unidentified import known_by, unidentified

T = TypeVar("T")
Step = Callable[[str, Callable[[], Any]], Any]


def plain_step(name: str, stage: Callable[[], T]) -> T:
    """Run a stage as it is."""
    return stage()


@dataclass(frozen=True)
class StageResults:
    """What each stage has made of the day, before it is put together."""

    missing: list[str]  # kinds of statement that should be there
    twice: repeats.Repeats
    written_off: pl.DataFrame  # OPEN_ITEM of earlier days that are carried no more
    normalized: Normalized
    matching: "Matching"
    costs: "Costs"
    settlement: Settlement
    exchanged: pl.DataFrame  # DISCREPANCY
    received: Received


def run_day(day: DayInput, policy: Policy, store: Store, step: Step = plain_step) -> DayResult:
    """Reconcile one account for one date. Errors: StatementError for an unreadable file."""
    account = day.account
    whose = Day(
        account.provider, account.account, day.business_date, policy.severity, policy.language
    )
    carried, written_off = without_written_off(day.open_items, day.write_offs)
    day = replace(day, open_items=carried)
    missing = _missing_statements(day)
    normalized: Normalized = step("normalize", lambda: normalize(day, store))
    twice = repeats.repeated_files(day, normalized.lines)
    if twice:
        day = repeats.without(day, twice)
        normalized = step("normalize again", lambda: normalize(day, store))
    found = StageResults(
        missing=missing,
        twice=twice,
        written_off=written_off,
        normalized=normalized,
        matching=step("match", lambda: match(day, policy, whose, missing, normalized, store)),
        costs=step("fees", lambda: fees(day, policy, whose, normalized)),
        settlement=step("settle", lambda: settle(day, whose, missing, normalized)),
        exchanged=step("exchange", lambda: exchange_variances(day, policy, whose, normalized)),
        received=step("receive", lambda: received(day, policy, whose, normalized)),
    )
    result: DayResult = step("conclude", lambda: conclude(day, policy, whose, found))
    posted: DayResult = step("post", lambda: post(day, policy, whose, result, written_off))
    return posted


def _missing_statements(day: DayInput) -> list[str]:
    if day.expected.state in ("closed", "quiet") and not day.statements:
        return []
    there = {statement.kind.name for statement in day.statements}
    return [kind for kind in day.account.statements if kind not in there]


def _waiting_kinds(day: DayInput, missing: list[str]) -> frozenset[str] | None:
    """The kinds of movement that only a missing statement can show; None: all of them.

    Without the statement of the movements themselves every entry would look like a difference.
    """
    carried_by = [day.provider.kind(kind).matched_kinds for kind in missing]
    if None in carried_by or not day.statements:
        return None
    return frozenset().union(*(kinds for kinds in carried_by if kinds is not None))


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
    rules = _rules_of(day, policy.rules)
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
    matched = engine.match(lines, entries, rules, windows.date_tolerance_days, plain.differing)
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


def _rules_of(day: DayInput, given: Sequence[MatchRule]) -> tuple[MatchRule, ...]:
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


@dataclass(frozen=True)
class Costs:
    """Fees and withdrawal charges against the fee schedule."""

    summary: pl.DataFrame
    withdrawals: Charges
    discrepancies: pl.DataFrame


def fees(day: DayInput, policy: Policy, whose: Day, normalized: Normalized) -> Costs:
    """Expected fees, summed by tariff row; an account without a schedule is not assessed."""
    tariffs = policy.tariffs_of(day.account.account)
    if not tariffs:
        return Costs(empty(FEE_SUMMARY), Charges(), empty(DISCREPANCY))
    past = Past(day.fee_usage, day.orders)
    charged = [row for row in tariffs if row.charged_to == "us"]
    lines = with_merchants(normalized.lines, day.entries, tariffs)
    assessed = assess.assess(lines, charged, past)
    tolerance = day.account.fee_tolerance
    summary, off = pl.collect_all(
        [
            assess.summarize(assessed, charged),
            variances.varying(assessed, charged, tolerance),
        ],
        engine="streaming",
    )
    found = [
        variances.discrepancies(off, lines, charged, whose),
        variances.batch_discrepancies(assessed, charged, tolerance, whose),
    ]
    taken = charges(lines, assessed, tariffs, past, whose.language)
    return Costs(summary, taken, pl.concat(found))


def settle(day: DayInput, whose: Day, missing: list[str], normalized: Normalized) -> Settlement:
    """Batches from gross to net with their proof, the roll-forward of the reserve, and what is due
    to be paid out."""
    is_there = not missing and (bool(day.statements) or day.expected.state == "quiet")
    off = normalized.controls.filter(pl.col("stated") != pl.col("computed"))
    return settled(
        normalized.told(is_complete=not missing),
        Before(day.closed, day.reserves, day.open_items, day.payout_terms),
        day.account,
        whose,
        is_whole=is_there and normalized.rejects.height == 0 and off.height == 0,
    )


def exchange_variances(
    day: DayInput, policy: Policy, whose: Day, normalized: Normalized
) -> pl.DataFrame:
    """What was exchanged at a rate too far from the reference; nothing where none is agreed."""
    allowed = day.account.fx_tolerance_percent
    if day.rates is None or allowed is None:
        return empty(DISCREPANCY)
    limits = exchange.ExchangePolicy(allowed, policy.rate_max_age_days)
    return exchange.variances(normalized.lines, day.rates, limits, whose)


def post(
    day: DayInput, policy: Policy, whose: Day, result: DayResult, written_off: pl.DataFrame
) -> DayResult:
    """The result with its postings, and with the entries that would settle its discrepancies."""
    moved = Movements(
        lines=result.lines,
        entries=day.entries,
        before=day.open_items,
        after=result.open_items,
        conservation=result.conservation,
        payouts=result.payouts,
        receipts=result.receipts,
        written_off=given_up(day.write_offs, written_off),
        fees=result.fees,
        exchanged=exchange.conversion_differences(
            result.lines, day.rates, policy.rate_max_age_days
        ),
    )
    posted = postings(moved, whose)
    check("POSTING", posted)
    proposed = proposed_entries(
        result.discrepancies, result.lines, day.entries, result.open_items, whose.language
    )
    check("PROPOSED_ENTRY", proposed)
    return replace(result, postings=posted, proposed_entries=proposed)


def received(day: DayInput, policy: Policy, whose: Day, normalized: Normalized) -> Received:
    """Payouts of the providers against the lines of the bank account they go to."""
    if day.payouts is None:
        return NOTHING_RECEIVED
    rules = _rules_of(day, policy.receipt_rules)
    return receive(normalized.lines, day.payouts, day.open_items, rules, whose)


def conclude(day: DayInput, policy: Policy, whose: Day, found: StageResults) -> DayResult:
    """Put the findings together; decide whether the day is proved, and if not, say why."""
    controls, batches = found.normalized.controls, found.settlement.batches
    if day.payouts is not None:
        found = _told_once(found, day.payouts, whose)
    receipts = found.received.receipts
    rejects = pl.concat([found.normalized.rejects, day.entry_rejects])
    discrepancies = _discrepancies(day, whose, found, rejects)
    matched = known_by(found.matching.open_items, found.received.of_payouts)
    dues = found.settlement.dues
    waiting_for = [found.received.in_transit, dues.left, found.settlement.bookings.left]
    left = pl.concat([matched, *waiting_for]).sort("side", "item_id")
    check("OPEN_ITEM", left)
    check("SETTLEMENT_BATCH", batches)
    check("RESERVE", found.settlement.reserve)
    before = pl.concat([day.open_items, found.written_off])
    unexplained = findings.unexplained_files(
        found.normalized.empty_files, controls, day.expected, whose.language
    )
    because = findings.reasons(
        day.account,
        [*found.missing, *day.gaps],
        controls,
        rejects,
        batches,
        found.settlement.jumps,
        day.expected,
        whose.language,
    )
    return DayResult(
        provider=day.account.provider,
        account=day.account.account,
        account_title=day.account.title,
        business_date=day.business_date,
        files=tuple(statement.file for statement in day.statements),
        lines=found.normalized.lines,
        matches=found.matching.matches,
        discrepancies=discrepancies,
        open_items=left,
        rejects=rejects,
        controls=controls,
        assessed_withdrawals=found.costs.withdrawals.by_line,
        our_charges=found.costs.withdrawals.ours,
        fees=found.costs.summary,
        batches=batches,
        reserve=found.settlement.reserve,
        roll_forward=findings.roll_forward(before, left, day.business_date, found.written_off),
        conservation=found.matching.conservation,
        payouts=pl.concat([payouts(found.normalized.lines, day.account), dues.payouts]),
        receipts=receipts,
        not_proved_because=(*because, *unexplained),
        quiet_because=day.expected.note if not (day.statements or found.missing) else "",
        later_because=day.expected.note if day.expected.state == "later" and found.missing else "",
        carried=day.open_items,
        cleared=cleared_items(
            day.open_items, left, found.matching.matches, receipts, day.business_date
        ),
        written_off=day.write_offs,
        small_differences=small_differences(discrepancies, policy.small_differences),
    )


def _told_once(found: StageResults, payouts: pl.DataFrame, whose: Day) -> StageResults:
    matching = found.matching
    once, here = told_once(matching.discrepancies, found.received, payouts, whose.language)
    return replace(found, matching=replace(matching, discrepancies=once), received=here)


def _discrepancies(
    day: DayInput, whose: Day, found: StageResults, rejects: pl.DataFrame
) -> pl.DataFrame:
    """DISCREPANCY of all stages, sorted by id; one difference is found by one of them only."""
    totals = findings.without_holes(found.normalized.controls, found.normalized.rejects)
    controls = findings.control_discrepancies(totals, whose)
    is_clean = rejects.height == 0 and controls.height == 0 and not found.missing
    absent = [] if day.expected.state == "later" else found.missing
    matching = found.matching.discrepancies
    if day.payouts is not None:
        known = found.received.of_payouts
        matching = unidentified(matching, known, day.open_items, whose.language)
    matching, exchanged = exchange.attributed(matching, found.exchanged)
    every = pl.concat(
        [
            findings.missing_files([*absent, *day.gaps], whose),
            controls,
            findings.rejected_rows(rejects, whose),
            # A row that is rejected or missing shows in the balance too: one difference, once.
            found.settlement.discrepancies(day.account, whose) if is_clean else empty(DISCREPANCY),
            found.settlement.jumps,
            matching,
            found.received.discrepancies,
            exchanged,
            repeats.discrepancies(found.twice, whose),
            origins.over_refunds(day.orders, whose),
            origins.unfounded_reversals(day.orders, whose),
            found.costs.discrepancies,
        ]
    ).sort("discrepancy_id")
    check("DISCREPANCY", every)
    ensure(every["discrepancy_id"].n_unique() == every.height, "one difference, two discrepancies")
    return every
