"""What was given up, what is proposed to be, and what a rerun has changed."""

from typing import Final

import polars as pl

from recon.masking import mask_free_text
from recon.reporting import text
from recon.reporting.columns import columns, named, worded
from recon.reporting.sheets import Banner, Block, Sheet, Table
from recon.reporting.text import Language
from recon.results import DayResult

_CHANGES_SHOWN: Final = 20  # more are told in numbers


def write_off_sheet(result: DayResult, language: Language) -> Sheet:
    """Write-offs that take effect with the day, and the policy's proposals, capped ones too."""
    answers = text.words(text.ANSWERS, language)
    kind = worded("type", text.TYPES, language)
    gone = Table(
        "written_off",
        columns(
            "case_id type currency amount booking_account proposed_by approved_by discrepancy_id",
            language,
        ),
        result.written_off.with_columns(kind, named("currency")).sort("case_id"),
        title=text.phrase("written_off_today", language),
        main=True,
    )
    small = Table(
        "small_differences",
        columns(
            "type currency difference merchant_ref booking_account is_proposed discrepancy_id",
            language,
        ),
        result.small_differences.with_columns(
            kind,
            named("currency"),
            is_proposed=pl.when("is_proposed")
            .then(pl.lit(answers["yes"]))
            .otherwise(pl.lit(answers["no"])),
        ),
        title=text.phrase("small_differences", language),
    )
    nothing = text.phrase("nothing", language)
    return Sheet(text.sheet("write_offs", language), (gone, small), nothing=nothing)


def change_blocks(result: DayResult, language: Language) -> tuple[Block, ...]:
    """What the run found otherwise than the one before, as sentences across the sheet: nothing to
    show for the first run."""
    if result.supersedes is None:
        return ()
    title = text.phrase("changes_since", language).format(run=result.supersedes)
    if result.changes.height > _CHANGES_SHOWN:
        counted = text.phrase("changes_more", language).format(count=result.changes.height)
        return (Banner(title, "muted", (counted,)),)
    told = (
        mask_free_text(result.changes)
        .sort("change", "discrepancy_id")
        .select(
            worded("change", text.CHANGES, language),
            worded("type", text.TYPES, language),
            "explanation",
        )
    )
    lines = [f"• {change}: {kind}. {said}" for change, kind, said in told.iter_rows()]
    return (Banner(title, "muted", tuple(lines or [text.phrase("nothing", language)])),)
