"""An invented card acquirer that has no code of its own: a European CSV read by a mapping."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random

from tests.generator import book
from tests.generator.book import Movement, Rate, Trade
from tests.generator.sources import DAYS, SampleSet

_ACCOUNT = "4711-0815"
_RATES = {"EUR": Rate(Decimal("0.95"), Decimal("0.08"))}
_HEADER = (
    "Datum;Uhrzeit;Vorgang;Karte;Transaktion;Zu Transaktion;Ihre Referenz;Zu Referenz;S/H;Betrag;"
    "Entgelt"
)
_WORDS = {"payment": "Kauf", "refund": "Gutschrift"}


def _movements() -> list[Movement]:
    random = book.random_of("acquirer")
    trade = Trade("acquirer", _RATES, ("girocard", "visa", "mc"), _new_id, 18, "BLN")
    return book.planted(trade.movements(random), book.PLANTS)


def samples() -> SampleSet:
    movements = _movements()
    files = {f"umsaetze_{_ACCOUNT}_{day:%Y%m%d}.csv": file(movements, day) for day in DAYS}
    what = {"umsaetze_*.csv": "a card acquirer's daily turnover, read by its configuration alone"}
    return book.sample_set("acquirer", _ACCOUNT, "Europe/Berlin", movements, files, what)


def payouts() -> list[tuple[date, Decimal]]:
    """What the days have earned, fees kept, and the day on which it is paid out."""
    return [
        (paid_on, sum((one.net for one in _movements() if _is_of(one, day)), Decimal(0)))
        for day, paid_on in pairwise(DAYS)
    ]


def _is_of(one: Movement, day: date) -> bool:
    return one.day == day and one.is_on_statement


def _new_id(random: Random, kind: str) -> str:
    return f"{'K' if kind == 'payment' else 'G'}{random.randrange(10**11):011}"


def file(movements: Sequence[Movement], day: date) -> tuple[bytes, int]:
    there = [one for one in movements if _is_of(one, day)]
    gross, fees = sum(one.amount for one in there), sum(one.charged for one in there)
    lines = [
        "Kartenpartner GmbH - Umsatzübersicht",
        f"Vertragsnummer: {_ACCOUNT}",
        f"Umsätze vom {day:%d.%m.%Y}",
        "",
        _HEADER,
        *(_row(one) for one in there),
        f"Summe;;;;;;;;;{_german(Decimal(gross))};{_german(Decimal(fees))};{len(there)}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252"), len(there)


def _row(one: Movement) -> str:
    side = "H" if one.amount > 0 else "S"
    cells = (
        f"{one.local():%d.%m.%Y}",
        f"{one.local():%H:%M:%S}",
        _WORDS[one.kind],
        one.method,
        one.txn_id,
        one.parent_txn_id,
        one.merchant_ref,
        one.parent_ref,
        side,
        _german(abs(one.amount)),
        _german(one.charged),
    )
    return ";".join(cell or "" for cell in cells)


def _german(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
