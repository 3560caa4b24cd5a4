"""discrepancies.xlsx: is the day proved, what differs, what is still open, what was rejected."""

from typing import Final

import polars as pl

from recon import wording
from recon.discrepancies import filled
from recon.masking import mask_free_text
from recon.money import ZERO
from recon.reporting import text
from recon.reporting.columns import (
    SEVERITY_TONES,
    STATE_TONES,
    blanks,
    column,
    columns,
    named,
    nothing_in,
    toned,
    worded,
)
from recon.reporting.rolled import rolled_of_day
from recon.reporting.sheets import Column, Sheet, SumOf, Table
from recon.reporting.text import Language
from recon.reporting.write_offs import write_off_sheet
from recon.results import DayResult
from recon.row_wording import reason_in, rule_in
from recon.tables import DISCREPANCY_TYPES, SEVERITIES

_IDS_JOINED_BY: Final = "; "


def discrepancy_sheets(result: DayResult, language: Language) -> list[Sheet]:
    """The lists behind the summary: discrepancies, open items and, if any, rejected rows."""
    sheets = [discrepancy_sheet(result, language), _open_items(result, language)]
    if result.written_off.height or result.small_differences.height:
        sheets.append(write_off_sheet(result, language))
    if result.rejects.height:
        sheets.append(_rejects(result, language))
    return sheets


def discrepancy_sheet(result: DayResult, language: Language) -> Sheet:
    return _sheet("discrepancies", language, *discrepancy_tables(result.discrepancies, language))


def discrepancy_tables(
    found: pl.DataFrame, language: Language, *, entries: pl.DataFrame | None = None
) -> tuple[Table, Table]:
    """DISCREPANCY as a list and its totals; of many accounts with whose each is, and with the
    entries that would settle them."""
    account, entry = "", ""
    listed = listed_discrepancies(found, language)
    if entries is not None:
        account, entry = "provider account ", "suggested_entry "
        key = ["provider", "account", "business_date", "discrepancy_id"]
        listed = listed.join(entries, on=key, how="left", validate="1:1", maintain_order="left")
    table = Table(
        "discrepancies",
        (
            toned("severity", language, text.SEVERITIES, SEVERITY_TONES),
            *columns(f"type merchant_ref {account}currency", language),
            *columns("amount_ledger amount_provider", language),
            column(
                "difference",
                language,
                formula="{amount_provider}-{amount_ledger}",
                live="is_difference",
            ),
            *columns(
                "txn_id mismatched_fields explanation suggested_action "
                f"{entry}rule "
                "business_date first_seen_on age_days line_ids entry_ids discrepancy_id",
                language,
            ),
        ),
        listed,
        main=True,
        fixed=3,
    )
    before = f"severity type merchant_ref {account}"
    totals = Table(
        "discrepancy_totals",
        (*blanks(before), *totals_columns({"currency": "{currency}"}, language)),
        totals_by_currency(listed, language).with_columns(**nothing_in(before)),
        title=text.phrase("by_currency", language),
    )
    return table, totals


def totals_columns(where: dict[str, str], language: Language) -> tuple[Column, ...]:
    """Currency and the three amounts, each a live sum over the list of discrepancies."""
    return (
        column("currency", language),
        *(
            column(name, language, formula=SumOf("discrepancies", name, where))
            for name in ("amount_ledger", "amount_provider", "difference")
        ),
    )


def listed_discrepancies(found: pl.DataFrame, language: Language) -> pl.DataFrame:
    """DISCREPANCY with visible words, worst first; lists as text, free text masked.

    Adds `is_difference`: the difference is provider minus ledger, an absent side being nothing.
    """
    absent = pl.col("amount_ledger").is_null() & pl.col("amount_provider").is_null()
    difference = pl.col("amount_provider").fill_null(ZERO) - pl.col("amount_ledger").fill_null(ZERO)
    return (
        mask_free_text(found)
        .sort(
            pl.col("severity").replace_strict(_order(SEVERITIES), default=99),
            pl.col("type").replace_strict(_order(DISCREPANCY_TYPES), default=99),
            named("currency"),
            pl.col("difference").abs().fill_null(ZERO),
            "discrepancy_id",
            descending=[False, False, False, True, False],
        )
        .with_columns(
            severity=worded("severity", text.SEVERITIES, language),
            type=worded("type", text.TYPES, language),
            currency=named("currency"),
            rule=rule_in(pl.col("rule"), language),
            difference=pl.when(~absent | (pl.col("difference") != ZERO)).then("difference"),
            is_difference=pl.col("difference") == difference,
            mismatched_fields=_fields_as_text(language),
            line_ids=pl.col("line_ids").list.join(_IDS_JOINED_BY),
            entry_ids=pl.col("entry_ids").list.join(_IDS_JOINED_BY),
        )
    )


def _order(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _fields_as_text(language: Language) -> pl.Expr:
    """amount: ledger 10.00, provider 9.00; currency: ledger CNY, provider USD"""
    field, ledger, provider = (
        pl.element().struct.field(name).fill_null(text.NOTHING)
        for name in ("field", "ledger", "provider")
    )
    of_status = field == "status"
    statuses = text.words(wording.STATUSES, language)
    ledger, provider = (
        pl.when(of_status).then(side.replace(statuses)).otherwise(side)
        for side in (ledger, provider)
    )
    field = field.replace(text.words(wording.FIELDS, language))
    phrase = text.phrase("field_sentence", language)
    sentence = filled(phrase, field=field, ledger=ledger, provider=provider)
    joined = pl.col("mismatched_fields").list.eval(sentence).list.join("; ")
    return pl.when(joined != "").then(joined)


def totals_by_currency(listed: pl.DataFrame, language: Language) -> pl.DataFrame:
    """What `listed_discrepancies` add up to, currency by currency; amounts are never mixed."""
    return (
        listed.group_by("currency")
        .agg(*_totals())
        .sort("currency")
        .with_columns(type=pl.lit(text.phrase("all_types", language)))
    )


def totals_by_type(listed: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The same by type and currency, in the order of the types."""
    visible = text.words(text.TYPES, language)
    order = {visible[name]: place for place, name in enumerate(DISCREPANCY_TYPES)}
    return (
        listed.group_by("type", "currency")
        .agg(*_totals())
        .sort(pl.col("type").replace_strict(order, default=99), "type", "currency")
    )


def _totals() -> list[pl.Expr]:
    """`at_stake` adds up differences without their sign: a surplus does not hide a shortage."""
    return [
        pl.len().cast(pl.Int64).alias("row_count"),
        pl.col("amount_ledger").sum(),
        pl.col("amount_provider").sum(),
        pl.col("difference").sum(),
        pl.col("difference").abs().sum().alias("at_stake"),
    ]


def _open_items(result: DayResult, language: Language) -> Sheet:
    age = (pl.lit(result.business_date) - pl.col("business_date")).dt.total_days()
    listed = result.open_items.sort(
        pl.col("state") != "overdue", "due_on", "side", "item_id"
    ).with_columns(
        age_days=age,
        side=worded("side", text.SIDES, language),
        kind=worded("kind", text.KINDS, language),
        status=worded("status", text.STATUSES, language),
        state=worded("state", text.STATES, language),
        currency=named("currency"),
    )
    table = Table(
        "open_items",
        (
            toned("state", language, text.STATES, STATE_TONES),
            *columns(
                "merchant_ref side currency amount kind business_date due_on age_days txn_id "
                "parent_ref parent_txn_id payment_method status item_id",
                language,
            ),
        ),
        listed,
        main=True,
        fixed=2,
    )
    return _sheet("open_items", language, table, *rolled_of_day(result, language))


def _rejects(result: DayResult, language: Language) -> Sheet:
    names = {file.file_id: file.name for file in result.files}
    answers = text.words(text.ANSWERS, language)
    listed = (
        mask_free_text(result.rejects)
        .sort("file_id", "line_no", "field", "reason", nulls_last=True)
        .with_columns(
            reason=reason_in(pl.col("reason"), language),
            file=pl.col("file_id").replace(names),
            unmapped=pl.when("unmapped")
            .then(pl.lit(answers["yes"]))
            .otherwise(pl.lit(answers["no"])),
        )
    )
    listing = Table(
        "rejects", columns("file line_no field value reason unmapped", language), listed, main=True
    )
    return _sheet("rejects", language, listing)


def _sheet(name: str, language: Language, *tables: Table) -> Sheet:
    return Sheet(text.sheet(name, language), tables, nothing=text.phrase("nothing", language))
