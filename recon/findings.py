"""What the day as a whole shows: conservation, roll-forward, control totals, what is not proved."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.errors import UserError, ensure
from recon.matching.engine import Matched
from recon.matching.plain import Plain
from recon.money import MONEY, ZERO
from recon.providers.checks import BROKEN_ROW, NOT_AN_AMOUNT
from recon.row_wording import reason_in, total_in
from recon.settings import AccountSettings, Expectation
from recon.tables import CONSERVATION, DISCREPANCY, OPEN_ITEM, ROLL_FORWARD, empty
from recon.wording import REASONS, Language, words


def conservation(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    late: pl.DataFrame,
    line_rejects: pl.DataFrame,
    entry_rejects: pl.DataFrame,
) -> pl.DataFrame:
    """CONSERVATION: where every row went. Errors: BrokenInvariantError if one is lost.

    `late` are the one-sided rows that are a discrepancy of the day, see `newly_late`; the others of
    them are open, or were reported on an earlier day. A rejected row counts, but has no amount:
    what it says could not be understood.
    """
    parts = []
    for side, items, rejects in (("line", lines, line_rejects), ("entry", entries, entry_rejects)):
        outcome = _outcomes(matched, items, late, side)
        counted = (
            items.select("currency", "amount", outcome=outcome)
            .lazy()
            .group_by("currency", "outcome")
            .agg(
                row_count=pl.len().cast(pl.Int64),
                amount=pl.col("amount").sum(),
                turnover=pl.col("amount").abs().sum(),
            )
            .with_columns(
                side=pl.lit(side),
                outcome=pl.col("outcome").replace_strict(
                    dict(enumerate(_OUTCOMES, start=1)), default=None, return_dtype=pl.String
                ),
            )
            .collect(engine="streaming")
        )
        ensure(counted["outcome"].null_count() == 0, f"a {side} has no outcome")
        ensure(_total(counted) == _total(items), f"the {side}s' outcomes do not add up")
        parts.append(counted)
        if rejects.height:
            parts.append(
                pl.DataFrame(
                    {"currency": [None], "outcome": ["rejected"], "row_count": [rejects.height]}
                ).with_columns(side=pl.lit(side), amount=ZERO, turnover=ZERO)
            )
    return (
        pl.concat(
            part.select(pl.col(name).cast(dtype) for name, dtype in CONSERVATION.items())
            for part in parts
        ).sort("side", "currency", "outcome")
        if parts
        else empty(CONSERVATION)
    )


def conserved(
    rest: pl.DataFrame, plain: Plain, lines: pl.LazyFrame, entries: pl.LazyFrame
) -> pl.DataFrame:
    """CONSERVATION of whole sides (ITEM), from that of the rows that were left by plain pairs.

    The input is counted on the sides themselves, so that a workbook can hold the outcomes against
    it; of rejected rows there is no count but their own.

    Errors: BrokenInvariantError when they do not add up to the sides; UserError for amounts that
    MONEY could not hold the sum of.
    """
    whole = _counted(lines, entries)
    pairs = plain.pairs.lazy()
    matched = _counted(pairs, pairs).with_columns(outcome=pl.lit("matched"))
    sums = pl.col("row_count", "amount", "turnover").sum()
    every = (
        pl.concat([rest, matched.select(list(CONSERVATION))])
        .group_by("side", "currency", "outcome")
        .agg(sums)
        .sort("side", "currency", "outcome")
        .select(pl.col(name).cast(dtype) for name, dtype in CONSERVATION.items())
    )
    there = every.filter(pl.col("outcome") != "rejected").group_by("side", "currency").agg(sums)
    ensure(
        there.sort("side", "currency").rows() == whole.select(there.columns).rows(),
        "plain pairs and the rows they have left are not all the rows there are",
    )
    rejected = every.filter(outcome="rejected")
    there = pl.concat([whole, rejected.select(whole.columns)]).with_columns(outcome=pl.lit("input"))
    return pl.concat([every, there.select(every.columns)]).sort("side", "currency", "outcome")


def _counted(lines: pl.LazyFrame, entries: pl.LazyFrame) -> pl.DataFrame:
    """side, currency, row_count, amount, turnover of two frames with currency and amount."""
    counted = pl.collect_all(
        [
            items.group_by("currency").agg(
                side=pl.lit(side),
                row_count=pl.len().cast(pl.Int64),
                amount=pl.col("amount").sum(),
                turnover=pl.col("amount").abs().sum(),
            )
            for side, items in (("line", lines), ("entry", entries))
        ],
        engine="streaming",
    )
    return pl.concat(counted).sort("side", "currency")


# MONEY holds twenty digits before the point, and Polars adds on beyond them without a word.
_SUM_LIMIT = 10**20


def ensure_summable(items: pl.LazyFrame) -> None:
    """Raise when the amounts (of ITEM) might add up to more than MONEY holds. Errors: UserError."""
    amount = pl.col("amount")
    extremes = items.select(pl.len(), most=amount.max(), least=amount.min())
    count, *bounds = extremes.collect(engine="streaming").row(0)
    largest = max((abs(int(bound)) for bound in bounds if isinstance(bound, Decimal)), default=0)
    if (largest + 1) * count >= _SUM_LIMIT:
        raise UserError(f"{count:,} amounts of up to {largest:,} cannot be summed exactly")


def _total(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    summed = frame.group_by("currency").agg(pl.col("amount").sum()).sort("currency")
    return summed.rows()


_OUTCOMES = ("matched", "open", "discrepancy")
_MATCHED, _OPEN, _DISCREPANCY = 1, 2, 3


def _outcomes(matched: Matched, items: pl.DataFrame, late: pl.DataFrame, side: str) -> pl.Series:
    """What became of every row of one side, as a number of _OUTCOMES; 0 where nothing did."""
    pairs, groups = matched.pairs, matched.groups.filter(side=side)
    one_sided = matched.lines_left if side == "line" else matched.entries_left
    is_matched = groups["verdict"] == "matched"
    differs = pairs.filter(~pl.col("clean"))
    found = pl.zeros(items.height, dtype=pl.UInt8, eager=True)
    for rows, outcome in (
        (pairs[f"{side}_row"], _MATCHED),
        (differs[f"{side}_row"], _DISCREPANCY),
        (groups.filter(is_matched)["row"], _MATCHED),
        (groups.filter(~is_matched)["row"], _DISCREPANCY),
        (one_sided["row"], _OPEN),
        (late.filter(side=side)["row"], _DISCREPANCY),
    ):
        found = found.scatter(rows, outcome)
    return found


def roll_forward(
    before: pl.DataFrame,
    after: pl.DataFrame,
    business_date: date,
    written_off: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """ROLL_FORWARD per side and currency of OPEN_ITEM: opening + new - cleared - written off =
    closing. `written_off` are those of `before` that left the carry without a match."""
    key = ["side", "item_id", "currency", "amount"]  # corrected, it is another item
    gone = (empty(OPEN_ITEM) if written_off is None else written_off).lazy()
    earlier, later = before.lazy(), after.lazy()
    parts = {
        "opening": earlier,
        "new": later.join(earlier, on=key, how="anti"),
        "cleared": earlier.join(pl.concat([later, gone]), on=key, how="anti"),
        "written_off": gone,
        "closing": later,
    }
    every = (
        items.select("side", "currency", "amount", part=pl.lit(part))
        for part, items in parts.items()
    )
    amounts = {part: pl.col("amount").filter(pl.col("part") == part) for part in parts}
    result = (
        pl.concat(every)
        .group_by("side", "currency")
        .agg(
            *(amount.len().alias(f"{part}_count") for part, amount in amounts.items()),
            *(amount.sum().alias(f"{part}_amount") for part, amount in amounts.items()),
        )
        .sort("side", "currency")
        .select(pl.col(name).cast(dtype) for name, dtype in ROLL_FORWARD.items())
        .collect()
    )
    moved = pl.col("new_amount") - pl.col("cleared_amount") - pl.col("written_off_amount")
    ties = result.filter(pl.col("opening_amount") + moved != pl.col("closing_amount"))
    ensure(ties.height == 0, f"open items do not roll forward on {business_date}")
    return result


def control_discrepancies(controls: pl.DataFrame, day: Day) -> pl.DataFrame:
    """CONTROL_TOTAL that are off or not stated -> DISCREPANCY, one for each statement.

    One row that is missing puts every total of a file off: that is one difference, not seven.
    """
    off = controls.filter(
        pl.col("stated").is_null() | (pl.col("stated") != pl.col("computed"))
    ).with_columns(
        said=pl.when(pl.col("stated").is_null())
        .then(told(day.language, "total_unstated", name=total_in(pl.col("name"), day.language)))
        .otherwise(
            told(
                day.language,
                "total_off",
                name=total_in(pl.col("name"), day.language),
                stated=_plain("stated"),
                computed=_plain("computed"),
            )
        )
    )
    if off.height == 0:
        return empty(DISCREPANCY)
    money = pl.col("currency").is_not_null()
    found = off.group_by("file_id", maintain_order=True).agg(
        discrepancy_id=sentence("control:{}", pl.col("file_id").first()),
        type=pl.lit("control_total_mismatch"),
        currency=pl.col("currency").drop_nulls().first(),
        amount_provider=pl.col("stated").filter(money).first(),
        amount_ledger=pl.when(pl.col("stated").filter(money).first().is_not_null()).then(
            pl.col("computed").filter(money).first()
        ),
        explanation=told(day.language, "control_totals_off", totals=pl.col("said").str.join("; ")),
    )
    return complete(found.drop("file_id"), day)


def without_holes(controls: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """CONTROL_TOTAL without the sums that are off for nothing but amounts nobody could read: those
    rows are discrepancies themselves, and one difference is told once.

    That is known where the counts of the file show that no row is missing, or where the text of the
    amounts, read as people do, is what the sum is off by.
    """
    is_hole = (pl.col("field") == BROKEN_ROW) | pl.col("reason").str.starts_with(NOT_AN_AMOUNT)
    digits = pl.col("value").str.replace_all(r"[^0-9.]", "")
    holes = (
        rejects.filter(is_hole)
        .group_by("file_id")
        .agg(held=digits.cast(MONEY, strict=False).fill_null(ZERO).sum())
    )
    is_off = pl.col("stated") != pl.col("computed")
    is_count = pl.col("currency").is_null() & pl.col("stated").is_not_null()
    counts_tie = is_count.any() & ~(is_count & is_off).any()
    apart = (pl.col("stated") - pl.col("computed")).abs()
    told_by_reject = pl.col("held").is_not_null() & (
        counts_tie.over("file_id") | (apart == pl.col("held"))
    )
    explained = is_off & pl.col("currency").is_not_null() & told_by_reject
    joined = controls.join(holes, on="file_id", how="left", maintain_order="left")
    return joined.filter(~explained.fill_null(value=False)).drop("held")


def _plain(column: str) -> pl.Expr:
    text = amount_text(column, "currency")
    whole = pl.col(column).cast(pl.String).str.strip_chars_end("0").str.strip_suffix(".")
    return pl.when(pl.col("currency").is_null()).then(whole).otherwise(text)


def missing_files(kinds: list[str], day: Day) -> pl.DataFrame:
    """Statements that should be there and are not -> DISCREPANCY."""
    if not kinds:
        return empty(DISCREPANCY)
    found = pl.DataFrame({"kind": kinds}).select(
        discrepancy_id=sentence("file:{}:{}", pl.lit(day.business_date.isoformat()), "kind"),
        type=pl.lit("file_missing"),
        explanation=told(
            day.language, "file_missing", kind="kind", day=pl.lit(day.business_date.isoformat())
        ),
    )
    return complete(found, day)


def rejected_rows(rejects: pl.DataFrame, day: Day) -> pl.DataFrame:
    """REJECT -> DISCREPANCY: codes nobody has mapped yet, and values that are wrong."""
    if rejects.height == 0:
        return empty(DISCREPANCY)
    found = rejects.select(
        discrepancy_id=sentence("reject:{}:{}", "file_id", "line_no"),
        type=pl.when("unmapped")
        .then(pl.lit("unmapped_row"))
        .otherwise(pl.lit("validation_failed")),
        explanation=told(
            day.language,
            "row_rejected",
            line_no="line_no",
            field="field",
            value=pl.coalesce("value", told(day.language, "empty_value")),
            reason=reason_in(pl.col("reason"), day.language),
        ),
    )
    return complete(found, day)


def reasons(
    account: AccountSettings,
    missing: list[str],
    controls: pl.DataFrame,
    rejects: pl.DataFrame,
    made: pl.DataFrame,
    jumps: pl.DataFrame,
    expected: Expectation,
    language: Language = "en",
) -> tuple[str, ...]:
    """Why the day is not proved, as sentences; nothing when it is."""
    because = words(REASONS, language)
    absent = because["not_yet" if expected.state == "later" else "missing"]
    said = [absent.format(kind=kind, note=expected.note) for kind in missing]
    unstated = controls.filter(pl.col("stated").is_null())["file_id"].n_unique()
    if unstated:
        said.append(because["unstated"].format(count=unstated))
    off = controls.filter(pl.col("stated") != pl.col("computed")).height
    if off:
        said.append(because["totals_off"].format(count=off))
    if rejects.height > account.unmapped_limit:
        said.append(because["rejects"].format(count=rejects.height))
    unproved = made.filter(pl.col("proof") != ZERO)
    if unproved.height:
        currencies = ", ".join(unproved["currency"].unique().sort())
        said.append(because["proof_off"].format(currencies=currencies))
    if jumps.height:
        currencies = ", ".join(jumps["currency"].sort())
        said.append(because["balance_gap"].format(currencies=currencies))
    if made.filter(pl.col("proof").is_null()).height:
        said.append(because["nothing_to_prove"])
    return tuple(said)


def unexplained_files(
    empty_files: Collection[str],
    controls: pl.DataFrame,
    expected: Expectation,
    language: Language = "en",
) -> tuple[str, ...]:
    """Statements without a row that nothing explains, as a reason; nothing when there is none.

    Explained is a statement that states totals itself, and one of an account that declares a day
    without activity by such a statement.
    """
    if expected.may_be_empty:
        return ()
    stated = set(controls.filter(pl.col("stated").is_not_null())["file_id"])
    count = len(set(empty_files) - stated)
    return (words(REASONS, language)["unexplained_files"].format(count=count),) if count else ()
