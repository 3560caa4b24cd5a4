"""A day in figures for machines: summary.json."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from recon.masking import masked
from recon.metrics import day_metrics, own_lines
from recon.money import MONEY, to_text
from recon.results import DayResult
from recon.tables import MARGIN, SEVERITIES, conform, empty
from recon.wording import Language

SUMMARY_FORMAT: Final = 1  # one more when a reader of summary.json would miss something
Summary: TypeAlias = dict[str, Any]  # what JSON can hold; an amount is plain decimal text


def day_summary(result: DayResult, run_id: str, language: Language = "en") -> Summary:
    """Everything a machine or a range needs of a day; names are the canonical ones, and what is
    said in sentences is said in `language`."""
    found, left = result.discrepancies, result.open_items
    return {
        "format": SUMMARY_FORMAT,
        "run_id": run_id,
        "language": language,
        "provider": result.provider,
        "account": result.account,
        "account_title": result.account_title,
        "business_date": result.business_date.isoformat(),
        "proved": result.proved,
        "not_proved_because": [masked(reason) for reason in result.not_proved_because],
        "no_activity": result.quiet_because or None,
        "not_delivered_yet": result.later_because or None,
        "discrepancy_count": found.height,
        "discrepancies_by_severity": _counts(found, "severity", SEVERITIES),
        "discrepancies_by_type": _added_up(found, "type", "currency"),
        "discrepancies_by_currency": _added_up(found, "currency"),
        "match_rate": _match_rate(result),
        "open_count": left.height,
        "overdue_count": left.filter(pl.col("state") == "overdue").height,
        "open_items": plain_rows(
            left.group_by("side", "currency")
            .agg(pl.len().alias("row_count"), pl.col("amount").sum())
            .sort("side", "currency", nulls_last=True)
        ),
        "rejected_count": result.rejects.height,
        "control_totals": plain_rows(_control_totals(result)),
        "conservation": plain_rows(result.conservation.sort("side", "currency", "outcome")),
        "roll_forward": plain_rows(result.roll_forward.sort("side", "currency")),
        "cleared": plain_rows(result.cleared.sort("side", "item_id").head(LISTED)),
        "written_off": plain_rows(_known_by(result.written_off)),
        "small_differences": plain_rows(result.small_differences),
        "changes": {
            "supersedes": result.supersedes,
            **_counts(result.changes, "change", ("new", "cleared", "changed")),
            "rows": plain_rows(
                result.changes.sort("change", "discrepancy_id").drop("explanation").head(LISTED)
            ),
        },
        "batches": plain_rows(
            result.batches.sort("batch_id", "currency").drop("provider", "account")
        ),
        "fees": plain_rows(result.fees.sort("currency", "tariff", "component", "kind")),
        "margins": plain_rows(_margins(result.assessed_withdrawals)),
        "reserve": plain_rows(result.reserve.sort("currency")),
        "metrics": _figures(result),
        "files": _files(result),
    }


LISTED: Final = 1_000  # rows of what the database has in full


def _margins(withdrawals: pl.DataFrame) -> pl.DataFrame:
    """WITHDRAWAL_CHARGE -> MARGIN, with the network fees that withdrawals cost; nothing where we
    charge for none."""
    if withdrawals["our_charge"].null_count() == withdrawals.height:
        return empty(MARGIN)
    key = ["currency", "tariff", "our_tariff", "kind"]
    amounts = pl.col("base", "charged", "our_charge").sum()
    summed = withdrawals.group_by(key).agg(amounts, line_count=pl.len())
    margin = pl.col("our_charge") - pl.col("charged")
    return conform(summed.with_columns(margin=margin), MARGIN).sort(key, nulls_last=True)


def _known_by(written_off: pl.DataFrame) -> pl.DataFrame:
    """WRITE_OFF as JSON can hold it."""
    instants = pl.col("proposed_at", "approved_at").dt.to_string("iso:strict")
    return written_off.with_columns(instants)


def _figures(result: DayResult) -> list[Summary]:
    """The numbers to watch: name, currency, value."""
    return plain_rows(day_metrics(result).drop("provider", "account", "business_date"))


def _files(result: DayResult) -> list[Summary]:
    names = ("file_id", "name", "kind", "version")
    ordered = sorted(result.files, key=lambda file: (file.kind, file.name, file.version))
    return [{name: getattr(file, name) for name in names} for file in ordered]


def _counts(frame: pl.DataFrame, column: str, values: Sequence[str]) -> dict[str, int]:
    counted = dict(frame.group_by(column).len().iter_rows())
    return {value: counted.get(value, 0) for value in values}


def _added_up(found: pl.DataFrame, *keys: str) -> list[Summary]:
    """Counts and amounts; `at_stake` adds up differences without their sign."""
    return plain_rows(
        found.group_by(keys)
        .agg(
            pl.len().alias("row_count"),
            pl.col("amount_ledger", "amount_provider", "difference").sum(),
            pl.col("difference").abs().sum().alias("at_stake"),
        )
        .sort(keys, nulls_last=True)
    )


def _match_rate(result: DayResult) -> Summary:
    own = own_lines(result)
    by_count = own.match_rate
    return {
        "line_count": own.counts.get("input", 0),
        "matched_count": own.counts.get("matched", 0),
        "by_count": None if by_count is None else format(by_count, "f"),
        "by_amount": {code: format(share, "f") for code, share in own.match_rates_by_value.items()},
    }


def _control_totals(result: DayResult) -> pl.DataFrame:
    return result.controls.sort("file_id", "name", "currency", nulls_last=True).with_columns(
        difference=pl.col("computed") - pl.col("stated")
    )


def plain_rows(frame: pl.DataFrame) -> list[Summary]:
    """Rows as JSON can hold them, exact."""
    if frame.is_empty():
        return []
    as_text = [
        to_text(pl.col(name)).alias(name) if dtype == MONEY else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
        if dtype in (MONEY, pl.Date())
    ]
    return frame.with_columns(as_text).to_dicts()
