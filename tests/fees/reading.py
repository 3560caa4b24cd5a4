"""Tables of fee vectors: a schedule in TOML, then lines with the fee each must have.

    # yuan at 0.6 percent
    [[tariff]]
    percent = "0.6"
    --
    payment 0.84 = 0.01
    refund 100 order=R1 = -0.60

A heading starts with #. What a row does not say is: name T, account A, CNY, payments, from
2026-01-01. Between the schedule and the lines may stand `before T 100 2` (amount and count that
were used before the day) and `order R1 100 20` (what was paid, and given back before the day), with
the day of the payment where it matters: `order R1 100 20 10-31`. Of a line: method, on (the day),
paid (original currency), merchant, order, currency, batch. After the fee may stand `by NAME` and,
of surcharges and tax, `+ 0.05`. A fee of - is not assessed, one of ? is not known.
"""

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from recon.fees import assess
from recon.fees.counting import Past
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.io.fee_settings import FeeSettings
from recon.tables import LEDGER_ENTRY
from tests.fees.slow import Fees, Slow
from tests.support import TODAY, frame_of, line, lines

_NAMES = {"method": "payment_method", "on": "business_date", "paid": "original_currency",
          "merchant": "merchant_id", "order": "parent_ref", "currency": "currency",
          "batch": "batch_id", "fee": "fee"}  # fmt: skip


@dataclass
class Vector:
    """One table: a schedule and lines, numbered L000, L001, ... in their order."""

    title: str
    schedule: dict[str, list[dict[str, Any]]]
    before: dict[str, tuple[Decimal, int]]
    orders: dict[str, tuple[Decimal, Decimal, date]]
    lines: list[dict[str, Any]]
    expected: list[str]

    @property
    def tariffs(self) -> list[Tariff]:
        return FeeSettings.model_validate(self.schedule).rows()

    @property
    def past(self) -> Past:
        usage = [
            {"tariff": name, "month_amount": amount, "month_count": count}
            | {"lifetime_amount": amount, "lifetime_count": count}
            for name, (amount, count) in self.before.items()
        ]
        return Past(frame_of(FEE_USAGE, usage), _orders(self.orders, self.currency))

    @property
    def currency(self) -> str:
        return str(self.lines[0]["currency"])

    def fast(self) -> dict[str, Fees]:
        return fast(self.lines, self.tariffs, self.past)

    def slow(self) -> dict[str, Fees]:
        return Slow(self.schedule, self.before, self.orders).day(self.lines)


def fast(rows: list[dict[str, Any]], tariffs: list[Tariff], past: Past) -> dict[str, Fees]:
    """(component, tariff, expected) by line, from recon."""
    merchants = pl.Series("merchant_id", [row.get("merchant_id") for row in rows], pl.String)
    plain = [{name: row[name] for name in row if name != "merchant_id"} for row in rows]
    given = lines(*(line(**row) for row in plain)).with_columns(merchants)
    found = assess.assess(given.lazy(), tariffs, past).rows.collect()
    fees: dict[str, Fees] = {row["line_id"]: [] for row in rows}
    for line_id, component, tariff, expected in found.select(
        "line_id", "component", "tariff", "expected"
    ).iter_rows():
        if tariff is not None:
            fees[line_id].append((component, tariff, expected))
    return fees


def _orders(known: dict[str, tuple[Decimal, Decimal, date]], currency: str) -> pl.DataFrame:
    rows = []
    for order, (paid, given, day) in known.items():
        facts = {"provider": "wechatpay", "account": "A", "currency": currency}
        rows.append(
            facts | {"entry_id": f"P{order}", "kind": "payment", "merchant_ref": order}
            | {"amount": paid, "business_date": day}
        )  # fmt: skip
        rows.append(
            facts | {"entry_id": f"R{order}", "kind": "refund", "parent_ref": order}
            | {"amount": -given, "business_date": TODAY - timedelta(days=1)}
        )  # fmt: skip
    return frame_of(LEDGER_ENTRY, rows)


def vectors() -> list[Vector]:
    folder = Path(__file__).with_name("vectors")
    return [
        _vector(f"{path.stem}: {part.partition(chr(10))[0].strip()}", part.partition("\n")[2])
        for path in sorted(folder.glob("*.txt"))
        for part in ("\n" + path.read_text("utf-8")).split("\n# ")[1:]
    ]


def _vector(title: str, text: str) -> Vector:
    toml, _, table = text.partition("--\n")
    schedule = tomllib.loads(toml)
    for name, rows in schedule.items():
        usual = {"name": "T", "account": "A", "currency": "CNY"}
        usual |= {"effective_from": date(2026, 1, 1)}
        if name != "withdrawal":
            usual |= {"kinds": ["payment"]}
        schedule[name] = [usual | row for row in rows]
    first = next(row for rows in schedule.values() for row in rows)
    made = Vector(title, schedule, {}, {}, [], [])
    for row in table.splitlines():
        cells = row.partition("=")[0].split() if row.startswith(("before", "order")) else []
        if cells:
            name, amount = cells[1], Decimal(cells[2])
            if cells[0] == "before":
                made.before[name] = (amount, int(cells[3]))
            else:
                day = _day(cells[4]) if len(cells) > 4 else TODAY - timedelta(days=3)
                made.orders[name] = (amount, Decimal(cells[3]), day)
        elif row.strip():
            given, _, fee = row.rpartition(" = ")
            made.lines.append(_line(given.split(), len(made.lines), first["currency"]))
            made.expected.append(fee.strip())
    return made


def _line(cells: list[str], number: int, currency: str) -> dict[str, Any]:
    kind, amount, *rest = cells
    facts: dict[str, Any] = {"currency": currency}
    facts |= {_NAMES[name]: value for name, _, value in (cell.partition("=") for cell in rest)}
    day = facts.get("business_date")
    is_out = kind in ("refund", "withdrawal", "chargeback")
    return facts | {
        "line_id": f"L{number:03}",
        "kind": kind,
        "gross": f"-{amount}" if is_out else amount,
        "business_date": _day(day) if day else TODAY,
        "occurred_at": datetime(2026, 11, 20, 2, tzinfo=UTC) + timedelta(minutes=number),
    }


def _day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")
