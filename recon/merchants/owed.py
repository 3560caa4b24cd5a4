"""From a merchant's sums to what is paid: balance brought forward, reserve, charge, minimum."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from recon.book_tables import MERCHANT_SETTLEMENT
from recon.errors import ensure
from recon.fees.assess import assess
from recon.fees.schedule import Tariff
from recon.merchants.lines import Merchant, released_on
from recon.money import EXPONENT, MONEY, PYTHON_ROUNDING
from recon.periods import Period
from recon.settlement.cycles import BusinessDays, is_payable
from recon.tables import STATEMENT_LINE, conform

_NOTHING = Decimal(0)


def settlements(
    sums: pl.DataFrame,
    lines: pl.DataFrame,
    earlier: pl.DataFrame,
    merchant: Merchant,
    tariffs: Sequence[Tariff],
    period: Period,
    days: BusinessDays,
) -> pl.DataFrame:
    """The settlement of one merchant for a period, one row a currency -> MERCHANT_SETTLEMENT.

    `sums` are `totals` and `lines` MERCHANT_LINE of the merchant, `earlier` his settlements before.
    A currency in which nothing moved is there when it has something to carry or to release, and
    that of his bank accounts always, so that every day is settled.
    """
    mine = {row["currency"]: row for row in sums.iter_rows(named=True)}
    before = {
        row["currency"]: row
        for row in earlier.sort("last").iter_rows(named=True)  # the last one stays
    }
    rows = []
    payable = {one.currency for one in merchant.bank_accounts}
    for currency in sorted({*mine, *before, *payable}):
        held = _releases(earlier.filter(currency=currency), merchant, period)
        brought = before[currency]["carried_forward"] if currency in before else _NOTHING
        if currency not in mine and currency not in payable and not brought and not held:
            continue
        moved = mine.get(currency, _no_movement(merchant.merchant, currency))
        rows.append(_settled(moved, brought, held, merchant, tariffs, period, days))
    frame = pl.DataFrame(
        rows, schema_overrides={n: d for n, d in MERCHANT_SETTLEMENT.items() if n in rows[0]}
    )
    number = _number(frame, lines)
    return conform(frame.with_columns(settlement_id=pl.lit(number)), MERCHANT_SETTLEMENT)


def _no_movement(merchant: str, currency: str) -> dict[str, Any]:
    amounts = dict.fromkeys(("gross", "refunds", "chargebacks", "fees", "held_back"), _NOTHING)
    counts = {"line_count": 0, "held_back_count": 0}
    return {"merchant": merchant, "currency": currency, **amounts, **counts}


def _settled(
    moved: Mapping[str, Any],
    brought: Decimal,
    released: Decimal,
    merchant: Merchant,
    tariffs: Sequence[Tariff],
    period: Period,
    days: BusinessDays,
) -> dict[str, Any]:
    currency = moved["currency"]
    held = _rounded(moved["gross"] * merchant.reserve_percent / 100, currency)
    earned = moved["gross"] + moved["refunds"] + moved["chargebacks"] - moved["fees"]
    owed = brought + earned - held + released
    charge = _charge(owed, currency, tariffs, period.last)
    can_be_paid = merchant.bank_account(currency) is not None
    minimum = merchant.minimum_payout.get(currency, _NOTHING)
    is_paid = can_be_paid and is_payable(owed - charge, minimum)
    payout = owed - charge if is_paid else _NOTHING
    charge = charge if is_paid else _NOTHING
    carried = owed - payout - charge
    ensure(owed == payout + charge + carried, "a merchant's money is not all accounted for")
    return {
        **moved,
        "first": period.first,
        "last": period.last,
        "brought_forward": brought,
        "reserve_held": held,
        "reserve_released": released,
        "owed": owed,
        "withdrawal_charge": charge,
        "payout": payout,
        "carried_forward": carried,
        "pay_on": merchant.cycle.pays_on(period.last, days) if is_paid else None,
    }


def _rounded(amount: Decimal, currency: str) -> Decimal:
    unit = Decimal(1).scaleb(-EXPONENT.get(currency, MONEY.scale))
    return amount.quantize(unit, PYTHON_ROUNDING["half_up"])


def _releases(earlier: pl.DataFrame, merchant: Merchant, period: Period) -> Decimal:
    """What was held in earlier periods and comes back in this one."""
    due = [
        held
        for last, held in earlier.select("last", "reserve_held").iter_rows()
        if released_on(last, merchant.reserve_days) in period
    ]
    return sum(due, _NOTHING)


def _charge(amount: Decimal, currency: str, tariffs: Sequence[Tariff], day: date) -> Decimal:
    """What a payout costs the merchant by a `withdrawal` row of his tariff."""
    if amount <= 0:
        return _NOTHING
    line = {
        "line_id": "payout",
        "kind": "withdrawal",
        "currency": currency,
        "business_date": day,
        "gross": -amount,
        "fee": _NOTHING,
    }
    schema = {name: STATEMENT_LINE[name] for name in line}
    stated = conform(pl.DataFrame([line], schema=schema), STATEMENT_LINE)
    due: Decimal = (
        assess(stated.lazy(), tariffs).rows.select(pl.col("expected").sum()).collect().item()
    )
    return due


def _number(frame: pl.DataFrame, lines: pl.DataFrame) -> str:
    """A name made of all it says: the same settlement has the same one, another one another."""
    digest = hashlib.sha256(frame.sort("currency").write_csv().encode())
    digest.update(lines.sort("line_id").write_csv().encode())
    return digest.hexdigest()[:24]
