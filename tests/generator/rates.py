"""Invented reference rates, in the layout of the European Central Bank's file of their history."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

SCALE: Final = 10_000
_FIRST, _LAST = date(2026, 11, 2), date(2026, 12, 31)
_SATURDAY: Final = 5


def dollars_per_euro(day: date) -> int:
    """In ten-thousandths; a weekend has the rate of its Friday."""
    quoted_on = day - timedelta(days=max(day.weekday() - _SATURDAY + 1, 0))
    return 10_800 + quoted_on.toordinal() * 37 % 90


def _row(day: date) -> str:
    wave = day.toordinal() % 7
    cells = (
        Decimal(dollars_per_euro(day)) / SCALE,
        Decimal(16_000 + wave * 15).scaleb(-2),
        Decimal(85_150 + wave * 50).scaleb(-5),
        Decimal(77_900 + wave * 40).scaleb(-4),
        Decimal(84_300 + wave * 30).scaleb(-4),
    )
    return ",".join([day.isoformat(), *map(str, cells), "N/A", ""])


def history_csv() -> bytes:
    """Newest first, as it is downloaded; only business days, and a currency that is gone."""
    days = [_FIRST + timedelta(days=offset) for offset in range((_LAST - _FIRST).days + 1)]
    rows = [_row(day) for day in reversed(days) if day.weekday() < _SATURDAY]
    return "\n".join(["Date,USD,JPY,GBP,CNY,HKD,CYP,", *rows, ""]).encode()
