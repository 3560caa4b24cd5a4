"""Stripe: the payouts of three days with their balance transactions, in the shape of the API."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from tests.generator import book
from tests.generator.book import Movement, Rate, Trade
from tests.generator.sources import DAYS, SampleSet

_ACCOUNT = "acct_RECONDEMO0001"
_RATES = {
    "USD": Rate(Decimal("2.9"), Decimal("0.30")),
    "EUR": Rate(Decimal("1.5"), Decimal("0.25")),
    "JPY": Rate(Decimal("3.6"), Decimal(0), places=0),
}
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"


def _token(random: Random, prefix: str) -> str:
    return prefix + "".join(random.choice(_LETTERS) for _ in range(24))


def _new_id(random: Random, kind: str) -> str:
    return _token(random, {"payment": "ch_", "refund": "re_"}[kind])


def samples() -> SampleSet:
    random = book.random_of("stripe")
    trade = Trade("stripe", _RATES, ("card", "applepay:card"), _new_id, order_prefix="WEB")
    movements = book.planted(trade.movements(random), book.PLANTS)
    dispute = _dispute(random, movements)
    movements.append(dispute)
    payouts = [
        _payout(random, day, currency, movements)
        for day in DAYS
        for currency in _RATES
        if any(_is_in(one, day, currency) for one in movements)
    ]
    failed = payouts[0]
    returned = Movement(DAYS[2], 3600, "payout_reversal", failed.currency, -failed.amount,
                        Decimal(0), failed.txn_id)  # fmt: skip
    later = next(one for one in payouts if one.day == DAYS[2] and one.currency == failed.currency)
    place = payouts.index(later)
    payouts[place] = _payout(random, DAYS[2], failed.currency, [*movements, returned])
    every = [*movements, returned, *payouts]
    files = {
        f"{_ACCOUNT}_payouts_{day}.json": _document(random, day, every, payouts) for day in DAYS
    }
    what = {"acct_*_payouts_*.json": "Stripe payouts with their balance transactions (API)"}
    return book.sample_set("stripe", _ACCOUNT, "UTC", every, files, what)


def _is_in(one: Movement, day: date, currency: str) -> bool:
    return (one.day, one.currency, one.is_on_statement) == (day, currency, True)


def _dispute(random: Random, movements: Sequence[Movement]) -> Movement:
    """A payment of the first day is disputed on the second, for a fee of 15."""
    paid = next(one for one in movements if one.kind == "payment" and one.currency == "USD")
    return Movement(DAYS[1], 50_000, "chargeback", "USD", -paid.amount, Decimal(15),
                    _token(random, "dp_"), f"DISPUTE-{paid.merchant_ref}", paid.txn_id,
                    paid.merchant_ref, paid.method)  # fmt: skip


def _payout(random: Random, day: date, currency: str, movements: Sequence[Movement]) -> Movement:
    net = sum((one.net for one in movements if _is_in(one, day, currency)), Decimal(0))
    return Movement(day, 86_000, "payout", currency, -net, Decimal(0), _token(random, "po_"))


def _document(
    random: Random, day: date, movements: Sequence[Movement], payouts: Sequence[Movement]
) -> tuple[bytes, int]:
    parts, count = [], 0
    for payout in (one for one in payouts if one.day == day):
        inside = [
            one
            for one in movements
            if _is_in(one, day, payout.currency) and (one.kind != "payout" or one is payout)
        ]
        count += len(inside)
        listed = [_transaction(random, one) for one in reversed(inside)]
        parts.append(
            {
                "payout": {
                    "id": payout.txn_id,
                    "object": "payout",
                    "amount": -_minor(payout.amount, payout.currency),
                    "arrival_date": int(datetime(day.year, day.month, day.day, tzinfo=UTC)
                                        .timestamp()),
                    "automatic": True,
                    "currency": payout.currency.lower(),
                    "reconciliation_status": "completed",
                    "status": "paid",
                },
                "balance_transactions": {"object": "list", "has_more": False, "data": listed},
            }
        )  # fmt: skip
    return (json.dumps(parts, indent=1) + "\n").encode(), count


def _minor(amount: Decimal, currency: str) -> int:
    return int(amount.scaleb(_RATES[currency].places))


def _transaction(random: Random, one: Movement) -> dict[str, Any]:
    category = {"payment": "charge", "chargeback": "dispute", "payout_reversal": "payout_reversal"}
    fee = _minor(one.charged, one.currency)
    details = [{"amount": fee, "currency": one.currency.lower(), "type": "stripe_fee"}]
    return {
        "id": _token(random, "txn_"),
        "object": "balance_transaction",
        "amount": _minor(one.amount, one.currency),
        "created": int(one.local().replace(tzinfo=UTC).timestamp()),
        "currency": one.currency.lower(),
        "description": f"Order {one.merchant_ref}" if one.kind == "payment" else None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": _minor(one.net, one.currency),
        "reporting_category": category.get(one.kind, one.kind),
        "source": _source(one),
        "status": "available",
        "type": {"chargeback": "adjustment"}.get(one.kind, category.get(one.kind, one.kind)),
    }


def _source(one: Movement) -> dict[str, Any] | str:
    if one.kind in ("payout", "payout_reversal"):
        return one.txn_id
    if one.kind == "payment":
        return _charge(one.txn_id, one.merchant_ref, one.method)
    charge = _charge(one.parent_txn_id, one.parent_ref, one.method)
    return {
        "id": one.txn_id,
        "object": "refund" if one.kind == "refund" else "dispute",
        "charge": charge,
        "metadata": {"refund_id": one.merchant_ref},
    }


def _charge(id_: str | None, order: str | None, method: str | None) -> dict[str, Any]:
    wallet = {"type": "apple_pay"} if method == "applepay:card" else None
    return {
        "id": id_,
        "object": "charge",
        "metadata": {"order_id": order},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "wallet": wallet}},
    }
