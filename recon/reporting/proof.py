"""The proof sheet: opening to closing balance, provider against ledger, and what is left over."""

from decimal import Decimal
from typing import Final

import polars as pl

from recon.money import ZERO
from recon.reporting import text
from recon.reporting.columns import columns
from recon.reporting.discrepancies import listed_discrepancies
from recon.reporting.overview import OUTCOMES, conservation_tables
from recon.reporting.settlement import NET_FORMULA, NET_PARTS, has_unbooked, listed_batches
from recon.reporting.sheets import Banner, Cell, Formula, Line, Lines, Sheet, SumOf, Table
from recon.reporting.text import NOTHING, Language
from recon.results import DayResult

# The findings that can stand behind a proof which is not zero.
_REMAINDER_TYPES: Final = (
    "file_missing",
    "control_total_mismatch",
    "balance_mismatch",
    "unmapped_row",
    "validation_failed",
    "payout_mismatch",
    "payout_not_received",
    "unidentified_receipt",
    "reserve_unexplained",
)


def proof_sheet(result: DayResult, language: Language) -> Sheet:
    """The last sheet of settlement.xlsx; its figures read the settlement sheet."""
    counted, amounts = conservation_tables(result, language)
    return Sheet(
        text.sheet("proof", language),
        (
            _verdict(result, language),
            _bridge(result, language),
            _remainder(result, language),
            _two_sides(amounts, language),
            amounts,
            counted,
        ),
        heading=text.phrase("report_settlement", language),
        nothing=text.phrase("nothing", language),
    )


def _verdict(result: DayResult, language: Language) -> Banner:
    proofs = result.batches["proof"]
    if proofs.filter(proofs != Decimal(0)).len():
        return Banner(text.phrase("remainder_is", language), "bad")
    if proofs.null_count() or not proofs.len():
        return Banner(text.phrase("not_provable", language), "warn")
    return Banner(text.phrase("all_proved", language), "good")


def _bridge(result: DayResult, language: Language) -> Lines:
    """One column for each currency and way of proof, every figure a sum of the settlement sheet."""
    batches = listed_batches(result.batches, language)
    groups = batches.partition_by("currency", "proof_basis", maintain_order=True)
    groups.sort(key=lambda group: (group["currency"][0], group["proof_basis"][0]))
    bridges = [_bridge_cells(group, language) for group in groups]
    headings = [f"{group['currency'][0]} · {group['proof_basis'][0]}" for group in groups]
    strong = ("net", "expected_closing", "stated_closing", "bridge_difference")
    absent = () if has_unbooked(batches) else ("unbooked",)
    lines = [
        Line(name, label, tuple(bridge[name] for bridge in bridges), strong=name in strong)
        for name, label in _bridge_labels(language).items()
        if name not in absent
    ]
    return Lines(text.phrase("bridge", language), tuple(lines), ("", *headings))


def _bridge_labels(language: Language) -> dict[str, str]:
    less = text.phrase("less", language)
    parts = {
        part: text.title(part, language) if sign > 0 else f"{less} {text.title(part, language)}"
        for part, sign in NET_PARTS.items()
    }
    totals = ("expected_closing", "stated_closing", "bridge_difference")
    return {
        "opening_balance": text.title("opening_balance", language),
        **parts,
        "net": text.phrase("net_movement", language),
        "unbooked": f"{less} {text.title('unbooked', language)}",
        **{name: text.phrase(name, language) for name in totals},
    }


def _bridge_cells(group: pl.DataFrame, language: Language) -> dict[str, Cell]:
    """The figures of one column. Without balances it ends with what the stage proved it against."""
    currency, basis = str(group["currency"][0]), str(group["proof_basis"][0])
    where = {"currency": currency, "proof_basis": basis}
    has_balances = basis == text.words(text.BASES, language)["balance"]

    balances = ("opening_balance", "closing_balance", "unbooked")
    reached = pl.col("opening_balance") + pl.col("net") - pl.col("unbooked")
    totals = (
        group.select(pl.col(*NET_PARTS, "net", *balances).fill_null(ZERO).sum())
        .with_columns(reached=reached, difference=reached - pl.col("closing_balance"))
        .row(0, named=True)
    )

    def sum_of(name: str) -> Cell:
        return Cell(totals[name], "money", currency, SumOf("settlement", name, where))

    def figure(value: Decimal | None, formula: Formula = "", *, check: bool = False) -> Cell:
        return Cell(value, "money", currency, formula, check=check)

    cells = {part: sum_of(part) for part in NET_PARTS}
    cells["net"] = figure(totals["net"], NET_FORMULA)
    if not has_balances:
        nothing = figure(None)
        proofs = group["proof"].drop_nulls()  # one figure of the statement, said on every batch
        off = proofs[int(proofs.abs().arg_max() or 0)] if proofs.len() else None
        absent = ("opening_balance", "unbooked", "expected_closing", "stated_closing")
        cells |= dict.fromkeys(absent, nothing)
        return cells | {"bridge_difference": figure(off, check=True)}
    less = "-{unbooked}" if has_unbooked(group) else ""
    return cells | {
        "opening_balance": sum_of("opening_balance"),
        "unbooked": sum_of("unbooked"),
        "expected_closing": figure(totals["reached"], f"{{opening_balance}}+{{net}}{less}"),
        "stated_closing": sum_of("closing_balance"),
        "bridge_difference": figure(
            totals["difference"], "{expected_closing}-{stated_closing}", check=True
        ),
    }


def _remainder(result: DayResult, language: Language) -> Table:
    found = result.discrepancies.filter(pl.col("type").is_in(_REMAINDER_TYPES))
    return Table(
        "remainder",
        columns(
            "type currency amount_ledger amount_provider difference first_seen_on age_days "
            "severity explanation discrepancy_id",
            language,
        ),
        listed_discrepancies(found, language),
        title=text.phrase("remainder", language),
    )


def _two_sides(amounts: Table, language: Language) -> Lines:
    """Provider and ledger down to what matched, a column for each currency."""
    currencies = sorted(set(amounts.frame["currency"]) - {NOTHING})
    columns_of = [_two_sides_cells(amounts, currency, language) for currency in currencies]
    labels = {}
    for side in ("provider", "ledger"):
        labels[f"{side}_input"] = text.phrase(f"{side}_total", language)
        for outcome in OUTCOMES[1:]:
            labels[f"{side}_{outcome}"] = "   " + text.phrase(f"less_{outcome}", language)
        labels[f"{side}_matched"] = text.phrase(f"{side}_matched", language)
    labels["left_in_matches"] = text.phrase("left_in_matches", language)
    lines = [
        Line(
            name,
            label,
            tuple(cells[name] for cells in columns_of),
            strong=name.endswith("matched") or name == "left_in_matches",
        )
        for name, label in labels.items()
    ]
    return Lines(text.phrase("two_sides", language), tuple(lines), ("", *currencies))


def _two_sides_cells(amounts: Table, currency: str, language: Language) -> dict[str, Cell]:
    sides = text.words(text.SIDES, language)
    cells: dict[str, Cell] = {}
    matched: dict[str, Decimal] = {}
    for name, side in (("provider", sides["line"]), ("ledger", sides["entry"])):
        here = amounts.frame.filter((pl.col("side") == side) & (pl.col("currency") == currency))
        where = {"side": side, "currency": currency}
        for outcome in ("input", *OUTCOMES[1:]):
            total = Decimal(here[outcome].sum())
            formula = SumOf(amounts.name, outcome, where)
            cells[f"{name}_{outcome}"] = Cell(total, "money", currency, formula)
        matched[name] = Decimal(here["matched"].sum()) + Decimal(here["check"].sum())
        formula_text = f"{{{name}_input}}" + "".join(
            f"-{{{name}_{outcome}}}" for outcome in OUTCOMES[1:]
        )
        cells[f"{name}_matched"] = Cell(matched[name], "money", currency, formula_text)
    left = matched["provider"] - matched["ledger"]
    cells["left_in_matches"] = Cell(left, "money", currency, "{provider_matched}-{ledger_matched}")
    return cells
