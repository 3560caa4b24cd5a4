"""The order of the stages for one provider account and business date, told once.

`run_day` reads like a table of contents. It runs each stage through a `step` function: a plain
call on the command line, a Prefect task in the flows. Stages are pure: frames and settings in,
frames out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

import polars as pl

from recon import findings
from recon.discrepancies import Day, Severity
from recon.errors import ensure
from recon.fees import assess
from recon.fees.schedule import Tariff
from recon.masking import mask_free_text
from recon.matching import engine, explain, origins, waiting
from recon.matching.items import carried_items, entry_items, line_items, number_repeats
from recon.matching.rules import MatchRule
from recon.periods import one_day
from recon.providers.contract import Content, Provider, ReadContext, StatementKind
from recon.results import DayResult, StatementFile
from recon.settings import AccountSettings, Expectation
from recon.settlement import batches
from recon.tables import (
    ASSESSED_FEE,
    BALANCE,
    CONTROL_TOTAL,
    DISCREPANCY,
    LEDGER_ENTRY,
    REJECT,
    STATEMENT_LINE,
    check,
    empty,
)

T = TypeVar("T")
Step = Callable[[str, Callable[[], Any]], Any]


class Store(Protocol):
    """Where a stage's large frames go: Parquet files in a run, memory in a test."""

    def __call__(
        self, kept: Mapping[str, pl.LazyFrame], collected: Sequence[pl.LazyFrame]
    ) -> tuple[dict[str, pl.LazyFrame], list[pl.DataFrame]]:
        """Evaluate all frames in one pass: `kept` come back to be read again, others in memory."""


@dataclass(frozen=True)
class Statement:
    """One statement of the day, as registered and as bytes."""

    file: StatementFile
    kind: StatementKind
    content: Content


@dataclass(frozen=True)
class DayInput:
    """Everything one day is made of. `entry_rejects` are ledger rows nobody could understand."""

    account: AccountSettings
    provider: Provider
    business_date: date
    statements: tuple[Statement, ...]
    entries: pl.LazyFrame  # LEDGER_ENTRY of the day
    entry_rejects: pl.DataFrame  # REJECT
    open_items: pl.DataFrame  # OPEN_ITEM of the business date before
    orders: pl.DataFrame = field(default_factory=lambda: empty(LEDGER_ENTRY))  # see `over_refunds`
    expected: Expectation = field(default_factory=Expectation)
    holidays: tuple[date, ...] = ()  # of the account's calendar, around the business date


@dataclass(frozen=True)
class Policy:
    """How to match and what it should cost."""

    rules: tuple[MatchRule, ...]
    tariffs: tuple[Tariff, ...]
    severity: Severity = field(default_factory=Severity)


@dataclass(frozen=True)
class Normalized:
    """The day's statements as canonical tables."""

    lines: pl.LazyFrame  # STATEMENT_LINE: what is reconciled with the ledger
    rejects: pl.DataFrame  # REJECT
    controls: pl.DataFrame  # CONTROL_TOTAL
    balances: pl.DataFrame  # BALANCE
    empty_files: frozenset[str] = frozenset()  # file_ids of statements without a row


def plain_step(name: str, stage: Callable[[], T]) -> T:
    """Run a stage as it is."""
    return stage()


def run_day(day: DayInput, policy: Policy, store: Store, step: Step = plain_step) -> DayResult:
    """Reconcile one account for one date. Errors: StatementError for an unreadable file."""
    whose = Day(day.account.provider, day.account.account, day.business_date, policy.severity)
    missing = _missing_statements(day)
    normalized: Normalized = step("normalize", lambda: normalize(day, store))
    outcome = step("match", lambda: match(day, policy, whose, missing, normalized, store))
    costs = step("fees", lambda: fees(day, policy, whose, normalized))
    made = step(
        "settle",
        lambda: batches.batches(normalized.lines, normalized.balances, normalized.controls, whose),
    )
    result: DayResult = step(
        "conclude",
        lambda: _conclude(day, whose, missing, normalized, outcome, costs, made),
    )
    return result


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


def normalize(day: DayInput, store: Store) -> Normalized:
    """Statements -> canonical lines, rejects, control totals and balances, in one pass a file.

    Card numbers in what people wrote freely end here: nothing that is stored has them.
    """
    context = ReadContext(day.account.account, day.account.time_zone, one_day(day.business_date))
    readings = [statement.kind.read(statement.content, context) for statement in day.statements]
    if not readings:
        return Normalized(
            empty(STATEMENT_LINE).lazy(), empty(REJECT), empty(CONTROL_TOTAL), empty(BALANCE)
        )
    matched = [
        reading.lines
        if (kinds := statement.kind.matched_kinds) is None
        else reading.lines.filter(pl.col("kind").is_in(sorted(kinds)))
        for statement, reading in zip(day.statements, readings, strict=True)
    ]
    lines = pl.concat(matched) if len(matched) > 1 else matched[0]
    kept, collected = store(
        {"lines": mask_free_text(lines)},
        [
            mask_free_text(pl.concat([reading.rejects for reading in readings])),
            pl.concat([reading.controls for reading in readings]),
            pl.concat([reading.balances for reading in readings]),
            pl.concat([reading.lines.select(pl.len()) for reading in readings]),
        ],
    )
    check("STATEMENT_LINE", kept["lines"])
    rejects, controls, balances, counts = collected
    rejected = set(rejects["file_id"])
    without_rows = {
        statement.file.file_id
        for statement, count in zip(day.statements, counts.to_series(), strict=True)
        if count == 0
        and statement.file.file_id not in rejected
        and statement.kind.matched_kinds != frozenset()  # a summary never has rows
    }
    if day.expected.may_be_empty:  # saying nothing about nothing is what such a statement does
        says_nothing = pl.col("file_id").is_in(sorted(without_rows)) & pl.col("stated").is_null()
        controls = controls.filter(~says_nothing)
    controls = _of_whole_statements(controls)
    rejects = rejects.sort("file_id", "line_no")
    return Normalized(kept["lines"], rejects, controls, balances, frozenset(without_rows))


def _of_whole_statements(controls: pl.DataFrame) -> pl.DataFrame:
    """CONTROL_TOTAL, with those that one file states and others add up to put together.

    One report may come in several files with the totals in the last one, and one report may state
    what another consists of. Where every file states its own total each is held to it, so that no
    two errors can cancel out.
    """
    is_shared = (
        pl.col("stated").is_null().any()
        & pl.col("stated").is_not_null().any()
        & (pl.col("file_id").n_unique() == pl.len())
    ).over("name", "currency")
    shared = (
        controls.filter(is_shared)
        .group_by("name", "currency", maintain_order=True)
        .agg(
            pl.col("file_id").filter(pl.col("stated").is_not_null()).first(),
            pl.col("stated", "computed").sum(),
        )
    )
    own = controls.filter(~is_shared)
    return pl.concat([part.select(list(CONTROL_TOTAL)) for part in (own, shared)])


@dataclass(frozen=True)
class Outcome:
    """What matching makes of the day."""

    matches: pl.LazyFrame
    discrepancies: pl.DataFrame
    open_items: pl.DataFrame
    conservation: pl.DataFrame
    roll_forward: pl.DataFrame


def match(
    day: DayInput,
    policy: Policy,
    whose: Day,
    missing: list[str],
    normalized: Normalized,
    store: Store,
) -> Outcome:
    """Lines and entries of the day, and what earlier days left open, against each other.

    What a missing statement may still show waits for it, a day longer than its window if need be.
    """
    account = day.account
    windows = waiting.Windows(
        account.line_window_days, account.entry_window_days, account.date_tolerance_days
    )
    lines, entries = _items(day, normalized)
    rules = _rules_of(day, policy)
    if missing or (day.expected.state == "closed" and not day.statements):
        kinds = _waiting_kinds(day, missing)
        tomorrow = day.business_date + timedelta(days=1)
        late = pl.lit(value=True) if kinds is None else pl.col("kind").is_in(sorted(kinds))
        lines = waiting.put_off(lines, windows.line_days, tomorrow, late)
        entries = waiting.put_off(entries, windows.entry_days, tomorrow, late)
        rules = () if kinds is None else rules
    matched = engine.match(lines, entries, rules, windows.date_tolerance_days)
    found = explain.matches(matched, lines, entries, rules)
    check("MATCH", found)
    kept, _ = store({"matches": found}, [])
    left = waiting.open_items(matched, windows, day.business_date)
    check("OPEN_ITEM", left)
    return Outcome(
        matches=kept["matches"],
        discrepancies=explain.discrepancies(matched, lines, entries, rules, windows, whose),
        open_items=left,
        conservation=findings.conservation(
            matched, lines, entries, left, normalized.rejects, day.entry_rejects
        ),
        roll_forward=findings.roll_forward(day.open_items, left, day.business_date),
    )


def _rules_of(day: DayInput, policy: Policy) -> tuple[MatchRule, ...]:
    """The rules of the account's provider; windows in business days know the account's holidays."""
    rules = []
    for rule in policy.rules:
        if rule.providers is not None and day.account.provider not in rule.providers:
            continue
        window = rule.date_window
        if window is not None and window.in_business_days:
            rule = replace(rule, date_window=replace(window, holidays=day.holidays))
        rules.append(rule)
    return tuple(rules)


def _items(day: DayInput, normalized: Normalized) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    collected = pl.collect_all([lines, entries], engine="streaming")
    for items in collected:
        findings.ensure_summable(items["amount"])
    # In one chunk, because rows are picked by their place: ten times as fast as from many.
    lines_in_one, entries_in_one = (items.rechunk() for items in collected)
    return number_repeats(lines_in_one), entries_in_one


@dataclass(frozen=True)
class Costs:
    """Fees and withdrawal charges against the fee schedule."""

    summary: pl.DataFrame
    withdrawals: pl.DataFrame
    discrepancies: pl.DataFrame


def fees(day: DayInput, policy: Policy, whose: Day, normalized: Normalized) -> Costs:
    """Expected fees, summed by tariff row; an account without a schedule is not assessed."""
    tariffs = [tariff for tariff in policy.tariffs if tariff.account == day.account.account]
    if not tariffs:
        nothing = assess.summarize(empty(ASSESSED_FEE).lazy()).collect()
        return Costs(nothing, empty(ASSESSED_FEE), empty(DISCREPANCY))
    assessed = assess.assess(normalized.lines, tariffs)
    summary, withdrawals, off = pl.collect_all(
        [
            assess.summarize(assessed),
            assessed.filter(pl.col("kind") == "withdrawal").sort("line_id"),
            assess.varying(assessed, day.account.fee_tolerance),
        ],
        engine="streaming",
    )
    return Costs(summary, withdrawals, assess.discrepancies(off, normalized.lines, whose))


def _conclude(
    day: DayInput,
    whose: Day,
    missing: list[str],
    normalized: Normalized,
    outcome: Outcome,
    costs: Costs,
    made: pl.DataFrame,
) -> DayResult:
    """Put the findings together; decide whether the day is proved, and if not, say why."""
    rejects = pl.concat([normalized.rejects, day.entry_rejects])
    controls = findings.control_discrepancies(normalized.controls, whose)
    is_clean = rejects.height == 0 and controls.height == 0 and not missing
    is_later = day.expected.state == "later"
    found = pl.concat(
        [
            empty(DISCREPANCY) if is_later else findings.missing_files(missing, whose),
            controls,
            findings.rejected_rows(rejects, whose),
            # A row that is rejected or missing shows in the balance too: one difference, once.
            batches.discrepancies(made, whose) if is_clean else empty(DISCREPANCY),
            outcome.discrepancies,
            origins.over_refunds(day.orders, whose),
            costs.discrepancies,
        ]
    ).sort("discrepancy_id")
    check("DISCREPANCY", found)
    check("SETTLEMENT_BATCH", made)
    ensure(found["discrepancy_id"].n_unique() == found.height, "one difference, two discrepancies")
    unexplained = findings.unexplained_files(
        normalized.empty_files, normalized.controls, day.expected
    )
    because = findings.reasons(
        day.account, missing, normalized.controls, rejects, made, day.expected
    )
    return DayResult(
        provider=day.account.provider,
        account=day.account.account,
        account_title=day.account.title,
        business_date=day.business_date,
        files=tuple(statement.file for statement in day.statements),
        lines=normalized.lines,
        matches=outcome.matches,
        discrepancies=found,
        open_items=outcome.open_items,
        rejects=rejects,
        controls=normalized.controls,
        assessed_withdrawals=costs.withdrawals,
        fees=costs.summary,
        batches=made,
        roll_forward=outcome.roll_forward,
        conservation=outcome.conservation,
        not_proved_because=(*because, *unexplained),
        quiet_because=day.expected.note if not (day.statements or missing) else "",
        later_because=day.expected.note if is_later and missing else "",
    )


class MemoryStore:
    """Keeps frames in memory: for tests and for statements that are not worth a file."""

    def __call__(
        self, kept: Mapping[str, pl.LazyFrame], collected: Sequence[pl.LazyFrame]
    ) -> tuple[dict[str, pl.LazyFrame], list[pl.DataFrame]]:
        frames = pl.collect_all([*kept.values(), *collected], engine="streaming")
        return (
            {name: frame.lazy() for name, frame in zip(kept, frames, strict=False)},
            frames[len(kept) :],
        )
