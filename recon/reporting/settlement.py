"""settlement.xlsx: what each batch adds up to, and what it cost, by tariff row."""

from typing import Final

import polars as pl

from recon.money import ZERO
from recon.reporting import text
from recon.reporting.columns import (
    DUE_TONES,
    blanks,
    column,
    columns,
    named,
    nothing_in,
    toned,
    worded,
)
from recon.reporting.sheets import Column, Sheet, SumOf, Table
from recon.reporting.text import Language
from recon.results import DayResult

# What a batch's net is made of, and how each part enters it.
NET_PARTS: Final[dict[str, int]] = {
    "gross": 1,
    "refunds": 1,
    "chargebacks": 1,
    "fees": -1,
    "withdrawals": 1,
    "withdrawal_charges": -1,
    "adjustments": 1,
    "reserve": 1,
}
NET_FORMULA: Final = "".join(
    f"{'+' if sign > 0 else '-'}{{{part}}}" for part, sign in NET_PARTS.items()
).removeprefix("+")
_RATE_PLACES: Final = 6
_RATE: Final = f"ROUND({{charged}}/{{base}},{_RATE_PLACES})"


def settlement_sheets(result: DayResult, language: Language) -> tuple[Sheet, ...]:
    """One row a batch, what is due by the settlement cycle and, where there are any, fees by tariff
    row and withdrawals one by one."""
    due = [_dues(result, language)] if (result.open_items["side"] == "due").any() else []
    blocks: dict[str, tuple[Table, ...]] = {"settlement": (_batches(result, language), *due)}
    if result.fees.height:
        blocks["fees"] = _fees(result, language)
    if result.assessed_withdrawals.height:
        blocks["withdrawals"] = _withdrawals(result, language)
    nothing = text.phrase("nothing", language)
    return tuple(
        Sheet(text.sheet(name, language), tables, nothing=nothing)
        for name, tables in blocks.items()
    )


def listed_batches(batches: pl.DataFrame, language: Language) -> pl.DataFrame:
    """SETTLEMENT_BATCH with visible words and the net once more, from its parts.

    Adds net_of_lines (what the lines add up to), net_check (net - net_of_lines) and `is_balance`:
    the proof is opening balance + net - unbooked - closing balance.
    """
    parts = [pl.col(part).fill_null(ZERO) * sign for part, sign in NET_PARTS.items()]
    moved = pl.col("net") - pl.col("unbooked").fill_null(ZERO)
    reached = pl.col("opening_balance") + moved - pl.col("closing_balance")
    return (
        batches.sort("settlement_date", "batch_id", "currency", nulls_last=True)
        .with_columns(net_of_lines="net", net=pl.sum_horizontal(parts))
        .with_columns(
            net_check=pl.col("net") - pl.col("net_of_lines"),
            is_balance=(pl.col("proof_basis") == "balance") & (reached == pl.col("proof")),
            proof_basis=worded("proof_basis", text.BASES, language),
            currency=named("currency"),
        )
    )


def proof_columns(batches: pl.DataFrame, language: Language) -> tuple[Column, ...]:
    """What the net is less than the balance has moved by, where that is anything, the closing
    balance, and the proof of SETTLEMENT_BATCH."""
    less = ("unbooked",) if has_unbooked(batches) else ()
    names = (*less, "closing_balance")
    formula = "{opening_balance}+{net}" + "".join(f"-{{{name}}}" for name in names)
    return (
        *(column(name, language) for name in names),
        column("proof", language, formula=formula, live="is_balance", check=True),
    )


def has_unbooked(batches: pl.DataFrame) -> bool:
    """Whether the balance of any SETTLEMENT_BATCH has moved on another day than its lines say."""
    return batches.filter(pl.col("unbooked") != ZERO).height > 0


def _batches(result: DayResult, language: Language) -> Table:
    return Table(
        "settlement",
        (
            *columns("batch_id currency settlement_date", language),
            *columns("payment_count refund_count other_count", language),
            *(column(part, language) for part in NET_PARTS),
            column("net", language, formula=NET_FORMULA),
            column("net_of_lines", language),
            column("net_check", language, formula="{net}-{net_of_lines}", check=True),
            *columns("opening_balance", language),
            *proof_columns(result.batches, language),
            *columns("proof_basis expected_payout provider_payout bank_credit", language),
        ),
        listed_batches(result.batches, language),
        main=True,
        fixed=2,
    )


def _dues(result: DayResult, language: Language) -> Table:
    """What the days have earned and the provider has not paid out yet, the next to be paid first;
    `business_date` is when it was earned."""
    listed = result.open_items.filter(side="due").sort("currency", "due_on", "item_id")
    state = pl.when(status="pending").then(pl.lit("not_final")).otherwise("state")
    shown = listed.with_columns(state=state, currency=named("currency")).with_columns(
        state=worded("state", text.DUE_STATES, language)
    )
    return Table(
        "due",
        (
            toned("state", language, text.DUE_STATES, DUE_TONES),
            *columns("currency amount business_date due_on item_id", language),
        ),
        shown,
        title=text.phrase("due_by_cycle", language),
    )


def _fees(result: DayResult, language: Language) -> tuple[Table, Table]:
    order = ("currency", "tariff", "component", "kind")
    listed = with_components(listed_costs(result.fees, language).sort(order), language)
    names = "tariff component kind"
    listing = (*columns(f"{names} currency line_count", language), *cost_columns(language))
    fees = Table("fees", listing, listed, main=True)
    return fees, cost_totals("fees", listed, language, names, "line_count")


def with_components(listed: pl.DataFrame, language: Language) -> pl.DataFrame:
    return listed.with_columns(component=worded("component", text.COMPONENTS, language))


def _withdrawals(result: DayResult, language: Language) -> tuple[Table, Table]:
    """Every withdrawal by both tariffs: what it cost us, what we charge for it, the margin."""
    charges = result.assessed_withdrawals
    leading = "txn_id occurred_at kind merchant_ref tariff"
    has_own = charges["our_charge"].null_count() < charges.height
    ours = ("our_tariff", "our_charge", "margin") if has_own else ()
    margin = (pl.col("our_charge") - pl.col("charged")).eq_missing(pl.col("margin"))
    listed = (
        listed_costs(charges, language)
        .with_columns(is_margin=margin)
        .sort("currency", "occurred_at", "line_id", nulls_last=True)
    )
    listing = (
        *columns(f"{leading} currency", language),
        *cost_columns(language),
        *(
            column(name, language, formula="{our_charge}-{charged}", live="is_margin")
            if name == "margin"
            else column(name, language)
            for name in ours
        ),
        *columns("arithmetic line_id", language),
    )
    withdrawals = Table("withdrawals", listing, listed, main=True, fixed=1)
    return withdrawals, cost_totals("withdrawals", listed, language, leading, more=ours[1:])


def listed_costs(frame: pl.DataFrame, language: Language) -> pl.DataFrame:
    """WITHDRAWAL_CHARGE or FEE_SUMMARY with visible words and the rate that was really charged."""
    variance = pl.col("charged").fill_null(ZERO) - pl.col("expected").fill_null(ZERO)
    return frame.with_columns(
        kind=worded("kind", text.KINDS, language),
        tariff=pl.col("tariff").fill_null(text.phrase("no_tariff", language)),
        currency=named("currency"),
        effective_rate=_rate(),
        is_variance=pl.col("variance") == variance,
    )


def _rate() -> pl.Expr:
    return pl.when(pl.col("base") != ZERO).then(
        (pl.col("charged") / pl.col("base")).round(_RATE_PLACES)
    )


def cost_columns(language: Language) -> tuple[Column, ...]:
    return (
        *columns("base charged expected", language),
        column("variance", language, formula="{charged}-{expected}", live="is_variance"),
        column("effective_rate", language, formula=_RATE),
    )


def cost_totals(
    of: str,
    listed: pl.DataFrame,
    language: Language,
    blank: str,
    count: str = "",
    more: tuple[str, ...] = (),
) -> Table:
    """Totals by currency, below the list and under its columns; `blank` are those before."""
    where = {"currency": "{currency}"}
    amounts = ("base", "charged", "expected", "variance", *more)
    counts = (count,) if count else ()
    frame = (
        listed.group_by("currency")
        .agg(pl.col(name).sum() for name in (*counts, *amounts))
        .sort("currency")
        .with_columns(effective_rate=_rate(), **nothing_in(blank))
    )
    return Table(
        f"{of}_totals",
        (
            *blanks(blank),
            column("currency", language),
            *(column(name, language, formula=SumOf(of, name, where)) for name in counts),
            *(column(name, language, formula=SumOf(of, name, where)) for name in amounts),
            column("effective_rate", language, formula=_RATE),
        ),
        frame,
        title=text.phrase("by_currency", language),
    )
