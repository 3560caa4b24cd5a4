"""The first stage: the statements of a day -> canonical tables, in one pass over each file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from recon.boundary import check
from recon.day import DayInput, Statement, Store
from recon.masking import mask_free_text
from recon.periods import one_day
from recon.providers.contract import ReadContext, Reading
from recon.settlement.bookings import booked
from recon.settlement.settled import Told
from recon.tables import BALANCE, CONTROL_TOTAL, REJECT, STATEMENT_LINE, empty


@dataclass(frozen=True)
class Normalized:
    """The day's statements as canonical tables."""

    lines: pl.LazyFrame  # STATEMENT_LINE: what is reconciled with the ledger
    rejects: pl.DataFrame  # REJECT
    controls: pl.DataFrame  # CONTROL_TOTAL
    balances: pl.DataFrame  # BALANCE
    booked: pl.DataFrame | None = None  # BOOKED; None: no statement tells when balances move
    booking_files: frozenset[str] = frozenset()  # file_ids of statements that do
    empty_files: frozenset[str] = frozenset()  # file_ids of statements without a row

    def told(self, *, is_complete: bool) -> Told:
        """What the settlement is made of; of incomplete statements nobody knows what is booked."""
        moved = self.booked if is_complete else None
        return Told(self.lines, self.balances, self.controls, moved, self.booking_files)


def normalize(day: DayInput, store: Store) -> Normalized:
    """Statements -> canonical lines, rejects, control totals and balances, in one pass a file.

    Card numbers in what people wrote freely end here: nothing that is stored has them.
    """
    clock = day.account.clock
    context = ReadContext(day.account.account, clock.time_zone, one_day(day.business_date),
                          cut_off=clock.cut_off)  # fmt: skip
    readings = [
        statement.kind.read(statement.content, replace(context, elsewhere=statement.elsewhere))
        for statement in day.statements
    ]
    if not readings:
        kept, _ = store({"lines": empty(STATEMENT_LINE).lazy()}, [])
        return Normalized(kept["lines"], empty(REJECT), empty(CONTROL_TOTAL), empty(BALANCE))
    matched = [
        reading.lines
        if (kinds := statement.kind.matched_kinds) is None
        else reading.lines.filter(pl.col("kind").is_in(sorted(kinds)))
        for statement, reading in zip(day.statements, readings, strict=True)
    ]
    lines = pl.concat(matched) if len(matched) > 1 else matched[0]
    moving = _moving(day, readings)
    kept, collected = store(
        {"lines": mask_free_text(lines)},
        [
            mask_free_text(pl.concat([reading.rejects for reading in readings])),
            pl.concat([reading.controls for reading in readings]),
            pl.concat([reading.balances for reading in readings]),
            *([] if moving is None else [moving]),
        ],
    )
    check("STATEMENT_LINE", kept["lines"])
    rejects, controls, balances, *booked = collected
    rejected = set(rejects["file_id"])
    without_rows = {
        statement.file.file_id
        for statement, reading in zip(day.statements, readings, strict=True)
        if statement.file.file_id not in rejected
        and statement.kind.matched_kinds != frozenset()  # a summary never has rows
        and _is_empty(statement, reading.lines, kept["lines"])
    }
    if day.expected.may_be_empty:  # saying nothing about nothing is what such a statement does
        says_nothing = pl.col("file_id").is_in(sorted(without_rows)) & pl.col("stated").is_null()
        controls = controls.filter(~says_nothing)
    controls = _of_whole_statements(controls)
    rejects = rejects.sort("file_id", "line_no")
    return Normalized(
        kept["lines"],
        rejects,
        controls,
        balances,
        booked=booked[0] if booked else None,
        booking_files=_booking_files(day),
        empty_files=frozenset(without_rows),
    )


def _booking_files(day: DayInput) -> frozenset[str]:
    return frozenset(one.file.file_id for one in day.statements if one.kind.tells_bookings)


def _moving(day: DayInput, readings: Sequence[Reading]) -> pl.LazyFrame | None:
    """BOOKED of the day; None unless one statement tells movements, and another their bookings."""
    kinds = [statement.kind for statement in day.statements]
    if not any(kind.matched_kinds is None for kind in kinds):
        return None
    parts = [
        reading.lines.filter(~pl.col("kind").is_in(sorted(kind.matched_kinds or ())))
        for kind, reading in zip(kinds, readings, strict=True)
        if kind.tells_bookings
    ]
    return booked(pl.concat(parts)) if parts else None


def _is_empty(statement: Statement, lines: pl.LazyFrame, kept: pl.LazyFrame) -> bool:
    """Whether a statement has no row; asked of what is kept where that is all there is of it."""
    if statement.kind.matched_kinds is None:
        lines = kept.filter(pl.col("file_id") == statement.file.file_id)
    return lines.select("line_no").head(1).collect(engine="streaming").height == 0


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
