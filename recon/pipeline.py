"""The order of the stages for one provider account and business date, told once.

`run_day` reads like a table of contents. It runs each stage through a `step` function: a plain
call on the command line, a Prefect task in the flows. Stages are pure: frames and settings in,
frames out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import polars as pl

from recon import exchange, findings, repeats
from recon.boundary import check
from recon.control.open_items import cleared_items
from recon.control.write_offs import (
    small_differences,
    told_as_written_off,
    without_written_off,
)
from recon.day import DayInput, Policy, Store
from recon.discrepancies import Day
from recon.errors import ensure
from recon.fees import assess, variances
from recon.fees.counting import Past
from recon.fees.withdrawals import Charges, charges, with_merchants
from recon.journal.given_up import given_up
from recon.journal.postings import Movements, postings
from recon.journal.proposals import proposed_entries
from recon.matching import origins
from recon.normalization import Normalized, normalize
from recon.receipts import NOTHING_RECEIVED, Received, receive, told_once
from recon.reconciliation import Matching, match, rules_of
from recon.results import DayResult
from recon.settlement.payouts import payouts, told_again
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
    matching: Matching
    costs: "Costs"
    settlement: Settlement
    exchanged: exchange.Exchanged
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
        exchanged=step("exchange", lambda: exchanged(day, policy, whose, normalized)),
        received=step("receive", lambda: received(day, policy, whose, normalized)),
    )
    result: DayResult = step("conclude", lambda: conclude(day, policy, whose, found))
    posted: DayResult = step("post", lambda: post(day, whose, result, found))
    return posted


def _missing_statements(day: DayInput) -> list[str]:
    if day.expected.state in ("closed", "quiet") and not day.statements:
        return []
    there = {statement.kind.name for statement in day.statements}
    return [kind for kind in day.account.statements if kind not in there]


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


def exchanged(
    day: DayInput, policy: Policy, whose: Day, normalized: Normalized
) -> exchange.Exchanged:
    """What was exchanged, against the reference rates; nothing where no tolerance is agreed."""
    allowed = day.account.fx_tolerance_percent
    if day.rates is None or allowed is None:
        return exchange.NOTHING_EXCHANGED
    limits = exchange.ExchangePolicy(allowed, policy.rate_max_age_days)
    return exchange.exchanged(normalized.lines, day.rates, limits, whose)


def post(day: DayInput, whose: Day, result: DayResult, found: StageResults) -> DayResult:
    """The result with its postings, and with the entries that would settle its discrepancies."""
    moved = Movements(
        lines=result.lines,
        entries=day.entries,
        before=day.open_items,
        after=result.open_items,
        conservation=result.conservation,
        payouts=result.payouts,
        receipts=result.receipts,
        written_off=given_up(day.write_offs, found.written_off),
        fees=result.fees,
        exchanged=found.exchanged.differences,
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
    rules = rules_of(day, policy.receipt_rules)
    return receive(
        normalized.lines, day.payouts, day.open_items, rules, whose, day.given_up_payouts
    )


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
        payouts=_sent(day, found),
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


def _sent(day: DayInput, found: StageResults) -> pl.DataFrame:
    """PAYOUT that the statement tells, and those that follow from the settlement cycle."""
    told_by_lines = payouts(found.normalized.lines, day.account, day.sent_before)
    return pl.concat([told_by_lines, found.settlement.dues.payouts])


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
        matching = unidentified(
            matching, found.received.known_credits, day.open_items, whose.language
        )
    matching = told_again(matching, day.sent_before, day.open_items, whose.language)
    matching = told_as_written_off(matching, day.given_up_items, whose.language)
    matching, off = exchange.attributed(matching, found.exchanged.discrepancies)
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
            off,
            repeats.discrepancies(found.twice, whose),
            origins.over_refunds(day.orders, whose),
            origins.unfounded_reversals(day.orders, whose),
            found.costs.discrepancies,
        ]
    ).sort("discrepancy_id")
    check("DISCREPANCY", every)
    ensure(every["discrepancy_id"].n_unique() == every.height, "one difference, two discrepancies")
    return every
