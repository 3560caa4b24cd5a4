"""Money on its way: payouts of Adyen and the bank account they go to, with planted discrepancies.

Three days of settlement reports, several batches a day, each paid out; the bank's statements of the
days after. A payout arrives whole, in two parts, together with another, not as much, or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, cycle
from random import Random
from typing import Any, Final

import polars as pl

from recon.money import MONEY
from tests.generator import book
from tests.generator.book import Movement, Rate
from tests.generator.sources import adyen, bank
from tests.generator.spec import LABEL

ADYEN: Final = "ReconDemoEU"
BANK: Final = "NL02RECO0123456789"
ZONE: Final = "Europe/Amsterdam"
PAYOUT_WINDOW_DAYS: Final = 1  # of the account while its samples are run; so are all other windows
PLANTED: Final = (
    *("fee_data_missing", "payout_mismatch", "payout_not_received", "unidentified_receipt"),
)
# How payouts arrive, in turn. `together` takes two of them, `parts` two days.
_WAYS: Final = ("whole", "short", "together", "never", "parts", "unnumbered", "over")
_BATCHES: Final = 8  # a day at least: every way, on every day
_BATCH_ROWS: Final = 250  # a day of more rows has more of them
_RATE: Final = Rate(Decimal("1.2"), Decimal("0.10"))
_METHODS: Final = ("visa", "mc", "applepay:visa", "ideal")


@dataclass
class TransitDays:
    """Statements by day and file name, and ledgers, of both accounts; one truth for both."""

    provider_files: dict[date, dict[str, bytes]] = field(default_factory=dict)
    bank_files: dict[date, dict[str, bytes]] = field(default_factory=dict)
    ledgers: dict[str, pl.DataFrame] = field(default_factory=dict)  # LEDGER_ENTRY by provider
    labels: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LABEL))


def transit_days(seed: int, rows: int, first: date, days: int = 3) -> TransitDays:
    """`rows` a day at the provider. Equal arguments give equal bytes."""
    random = Random(f"transit:{seed}:{rows}")
    made, truth = TransitDays(), list[dict[str, Any]]()
    sold: list[Movement] = []
    provider_moves, bank_moves = list[Movement](), list[Movement]()
    for offset in range(days):
        day = first + timedelta(days=offset)
        batches = _batches(random, day, rows, sold)
        payouts = [_payout(random, day, batch) for batch in batches]
        made.provider_files[day] = {
            f"settlement_detail_report_batch_{number}.csv": adyen.report(
                day, [*batch, payout], number
            )[0]
            for number, (batch, payout) in enumerate(
                zip(batches, payouts, strict=True), start=1 + offset * len(batches)
            )
        }
        sold = [one for one in chain(*batches) if one.kind == "payment"]
        provider_moves += [*chain(*batches), *payouts]
        bank_moves += _arrivals(random, day, payouts, truth)
    made.ledgers["adyen"] = book.ledger("adyen", ADYEN, "SHOP-ADYEN", ZONE, provider_moves)
    made.ledgers["bank"] = _booked(bank_moves)
    last = first + timedelta(days=days + 2)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        there = [one for one in bank_moves if one.day == day]
        before = [one for one in bank_moves if one.day < day]
        made.bank_files[day] = {f"{BANK}_{day}.camt053.xml": bank.camt(there, before, day)}
    truth += [_label(one, one.day, Decimal(0)) for one in provider_moves if one.plant]
    made.labels = _labels(truth)
    return made


def _batches(
    random: Random, day: date, rows: int, sold: Sequence[Movement]
) -> list[list[Movement]]:
    """Payments, refunds of what was sold yesterday, and refunds of payments nobody knows."""
    moves = [_payment(random, day, number) for number in range(rows)]
    moves += [_refund(random, day, number, one) for number, one in enumerate(sold[::25])]
    for number in range(max(1, rows // 2_000)):
        old = _payment(random, day - timedelta(days=40), number)
        lost = replace(_refund(random, day, 50_000 + number, old), fee=Decimal(0))
        moves.append(replace(lost, plant="fee_data_missing"))
    count = max(_BATCHES, rows // _BATCH_ROWS)
    return [moves[place::count] for place in range(count)]


def _payment(random: Random, day: date, number: int) -> Movement:
    amount = Decimal(random.randrange(500, 60_000)).scaleb(-2)
    return Movement(
        day=day,
        second=number % 80_000,
        kind="payment",
        currency="EUR",
        amount=amount,
        fee=_RATE.of(amount),
        txn_id=adyen.new_id(random, "payment"),
        merchant_ref=f"EU{day:%y%m%d}{number:05}",
        method=random.choice(_METHODS),
    )


def _refund(random: Random, day: date, number: int, of: Movement) -> Movement:
    """All of a payment, with its whole fee."""
    return Movement(
        day=day,
        second=80_000 + number % 6_000,
        kind="refund",
        currency="EUR",
        amount=-of.amount,
        fee=-of.fee,
        txn_id=adyen.new_id(random, "refund"),
        merchant_ref=f"R{day:%y%m%d}{number:05}",
        parent_txn_id=of.txn_id,
        parent_ref=of.merchant_ref,
        method=of.method,
    )


def _payout(random: Random, day: date, batch: Sequence[Movement]) -> Movement:
    reference = "TX" + "".join(random.choice("ABCDEFGHJK23456789") for _ in range(12)) + "XT"
    net = sum((one.net for one in batch), Decimal(0))
    return Movement(day, 86_000, "payout", "EUR", -net, Decimal(0), reference)


def _arrivals(
    random: Random, day: date, payouts: Sequence[Movement], truth: list[dict[str, Any]]
) -> list[Movement]:
    """What the bank shows of a day's payouts, the day after or two; and what else happens there."""
    left, ways = list(payouts), cycle(_WAYS)
    moves = list[Movement]()
    tomorrow = day + timedelta(days=1)
    given_up = tomorrow + timedelta(days=PAYOUT_WINDOW_DAYS)
    cents = Decimal(random.randrange(1, 900)).scaleb(-2)

    def arrive(amount: Decimal, text: str | None, late: int = 0, plant: str | None = None) -> None:
        number = f"B{day:%y%m%d}{len(moves):04}"
        made = _transfer(tomorrow + timedelta(days=late), amount, number, text)
        moves.append(replace(made, plant=plant))

    for way in ways:
        if not left:
            break
        payout = left.pop()
        sent, number = -payout.amount, payout.txn_id
        if way == "together" and left:
            other = left.pop()
            arrive(sent - other.amount, f"{number} {other.txn_id}")
        elif way == "parts":
            first = book.cents(sent * 3 / 10)
            arrive(first, number)
            arrive(sent - first, number, late=1)
        elif way in ("short", "over"):
            off = cents if way == "over" else -cents
            # Not booked either, it is still known whose it is.
            is_booked = way == "over"
            arrive(sent + off, number, plant=None if is_booked else "missing_in_ledger")
            if not is_booked:
                unbooked = replace(moves[-1], merchant_ref=None)
                truth.append(_label(unbooked, given_up, sent + off))
            truth.append(_label(replace(payout, plant="payout_mismatch"), given_up, off))
        elif way == "never":
            lost = replace(payout, plant="payout_not_received")
            truth.append(_label(lost, given_up, -sent))
        else:
            arrive(sent, None if way == "unnumbered" else number)
    stranger = _transfer(tomorrow, Decimal(random.randrange(1_000, 90_000)).scaleb(-2), "", None)
    number = f"UNK{day:%y%m%d}"
    stranger = replace(stranger, txn_id=number, plant="unidentified_receipt")
    truth.append(_label(stranger, given_up, stranger.amount))
    supplier = _transfer(tomorrow, Decimal("-1250.40"), f"SUP{day:%y%m%d}", f"INV-{day:%m%d}")
    return [*moves, stranger, supplier]


def _booked(moves: Sequence[Movement]) -> pl.DataFrame:
    """Our books know a movement at the bank by the bank's number."""
    return book.ledger(
        "bank", BANK, "SHOP-BANK", ZONE, [replace(one, merchant_ref=None) for one in moves]
    )


def _transfer(day: date, amount: Decimal, txn_id: str, ref: str | None) -> Movement:
    return Movement(day, 0, "transfer", "EUR", amount, Decimal(0), txn_id, ref)


def _label(one: Movement, reported: date, difference: Decimal) -> dict[str, Any]:
    return {
        "type": one.plant,
        "provider": "bank" if one.kind in ("payout", "transfer") else "adyen",
        "account": BANK if one.kind in ("payout", "transfer") else ADYEN,
        "business_date": reported,
        "currency": one.currency,
        "difference": difference,
        "merchant_ref": one.merchant_ref,
        "txn_id": one.txn_id,
        "note": f"{one.kind} of {one.amount} {one.currency}: {one.plant}",
    }


def _labels(truth: Sequence[dict[str, Any]]) -> pl.DataFrame:
    rows = {name: [row[name] for row in truth] for name in LABEL}
    return pl.DataFrame(rows, schema=LABEL | {"difference": MONEY})
