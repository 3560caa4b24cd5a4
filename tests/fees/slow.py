"""A second opinion on fees: line by line with Python's decimal, written from the description of
the settings, sharing no code with recon. It is slow and plain on purpose.

A schedule is what tomllib reads: {"tariff": [...], "surcharge": [...], "withdrawal": [...]}. A line
is a dict of text. The answer is, for each line, a list of (component, name of the row, fee).
"""

import decimal
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Line: TypeAlias = dict[str, Any]
Fees: TypeAlias = list[tuple[str, str, Decimal | None]]

DECIMALS = {"CNY": 2, "USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "USDT": 6, "BTC": 8, "ETH": 18}
GIVES_BACK = {
    "refund": "payment",
    "withdrawal_reversal": "withdrawal",
    "chargeback_reversal": "chargeback",
}
MODES = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_down": decimal.ROUND_HALF_DOWN,
    "half_even": decimal.ROUND_HALF_EVEN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
    "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}
_EXACT = decimal.Context(prec=80)


class Slow:
    """One day: `before` is what was used of each row, by name; `orders` is what is known of each
    order: what was paid for it, and what was given back before the day."""

    def __init__(
        self,
        schedule: dict[str, list[Row]],
        before: dict[str, tuple[Decimal, int]] | None = None,
        orders: dict[str, tuple[Decimal, Decimal, date]] | None = None,
    ) -> None:
        self.rows = [
            {"kinds": ["withdrawal"], **row, "table": table}
            for table in ("tariff", "surcharge", "withdrawal")
            for row in schedule.get(table, [])
        ]
        self.used: dict[str, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
        for name, (amount, count) in (before or {}).items():
            self.used[name] = [amount, count]
        for row in self.rows:
            if row.get("free_per") == "day":
                self.used[row["name"]] = [Decimal(0), 0]
            if row.get("free_per") == "lifetime" and "free_used" in row:
                if "free_count" in row:
                    self.used[row["name"]][1] += int(row["free_used"])
                else:
                    self.used[row["name"]][0] += Decimal(row["free_used"])
        self.paid = {order: paid for order, (paid, _, _) in (orders or {}).items()}
        self.paid_on = {order: day for order, (_, _, day) in (orders or {}).items()}
        self.given_back = defaultdict(
            Decimal, {order: given for order, (_, given, _) in (orders or {}).items()}
        )

    def day(self, lines: list[Line]) -> dict[str, Fees]:
        with decimal.localcontext(_EXACT):
            ordered = sorted(lines, key=lambda line: (line["occurred_at"], line["line_id"]))
            return {line["line_id"]: self._line(line) for line in ordered}

    def _line(self, line: Line) -> Fees:
        covering = [row for row in self.rows if _covers(row, line, self._day(row, line))]
        found: Fees = []
        own = [row for row in covering if row["table"] != "surcharge"]
        for row in sorted(own, key=lambda row: _rank(row, line), reverse=True):
            if self._is_used_up(row, line):
                continue
            found += self._by_row(row, line, "fee")
            if not _is_return(row, line):
                self.used[row["name"]][0] += abs(Decimal(line["gross"]))
                self.used[row["name"]][1] += 1
            break
        for row in covering:
            if row["table"] == "surcharge":
                found += self._by_row(row, line, "surcharge")
        if line["kind"] in GIVES_BACK:
            self.given_back[line.get("parent_ref")] += abs(Decimal(line["gross"]))
        return found

    def _day(self, row: Row, line: Line) -> date:
        """On which day the row must be in force."""
        day: date = line["business_date"]
        by_payment = row.get("refund_at") == "payment_date" and _is_return(row, line)
        return self.paid_on.get(str(line.get("parent_ref")), day) if by_payment else day

    def _is_used_up(self, row: Row, line: Line) -> bool:
        if "quota_amount" not in row and "quota_count" not in row:
            return False
        if _is_return(row, line):
            return True
        amount, count = self.used[row["name"]]
        return ("quota_amount" in row and amount >= Decimal(row["quota_amount"])) or (
            "quota_count" in row and count >= row["quota_count"]
        )

    def _by_row(self, row: Row, line: Line, component: str) -> Fees:
        fee = self._returned(row, line) if _is_return(row, line) else self._charge(row, line)
        found: Fees = [(component, row["name"], fee)]
        if "tax_percent" in row and fee is not None:
            tax = abs(fee) * Decimal(row["tax_percent"]) / 100
            rounded = _round(tax, row, row.get("tax_rounding", "half_up"))
            found.append(("tax", row["name"], -rounded if fee < 0 else rounded))
        return found

    def _charge(self, row: Row, line: Line) -> Decimal:
        return self._fee(row, abs(Decimal(line["gross"])))

    def _fee(self, row: Row, amount: Decimal) -> Decimal:
        if "free_below" in row and amount < Decimal(row["free_below"]):
            return Decimal(0)
        left = self._chargeable(row, amount)
        if left == 0 and ("free_amount" in row or "free_count" in row):
            return Decimal(0)
        percentage, fixed = self._percentage(row, left)
        fee = percentage + fixed + Decimal(row.get("fixed", "0"))
        if row.get("round_per", "line") == "line":
            fee = _round(fee, row)
        if "minimum" in row:
            fee = max(fee, Decimal(row["minimum"]))
        if "maximum" in row:
            fee = min(fee, Decimal(row["maximum"]))
        return fee

    def _chargeable(self, row: Row, amount: Decimal) -> Decimal:
        used_amount, used_count = self.used[row["name"]]
        if "free_count" in row:
            return Decimal(0) if used_count < row["free_count"] else amount
        if "free_amount" in row:
            return max(amount - max(Decimal(row["free_amount"]) - used_amount, Decimal(0)),
                       Decimal(0))  # fmt: skip
        return amount

    def _percentage(self, row: Row, amount: Decimal) -> tuple[Decimal, Decimal]:
        tiers = row.get("tiers")
        if not tiers:
            return amount * Decimal(row.get("percent", "0")) / 100, Decimal(0)
        by = row.get("tier_by", "amount")
        used_amount, used_count = self.used[row["name"]]
        if row.get("tier_mode", "slab") == "marginal" and by != "month_count":
            start = used_amount if by == "month_amount" else Decimal(0)
            return _by_parts(tiers, start, start + amount), Decimal(0)
        for tier in tiers:
            edge = Decimal(tier.get("up_to", "Infinity"))
            inside = {
                "amount": amount <= edge,
                "month_amount": used_amount < edge,
                "month_count": used_count < edge,
            }[by]
            if inside:
                percentage = amount * Decimal(tier.get("percent", "0")) / 100
                return percentage, Decimal(tier.get("fixed", "0"))
        raise AssertionError("the last tier has no end")

    def _returned(self, row: Row, line: Line) -> Decimal | None:
        amount, policy = abs(Decimal(line["gross"])), row.get("on_refund", "kept")
        if row.get("refund_at") == "payment_date" and line.get("parent_ref") not in self.paid:
            return None
        if policy == "kept":
            return Decimal(0)
        if policy == "returned":
            percentage, _ = self._percentage(row, self._chargeable(row, amount))
            return -(percentage if row.get("round_per") == "batch" else _round(percentage, row))
        paid = self.paid.get(line.get("parent_ref"))
        if paid is None:
            return None
        if policy == "returned_with_fixed":
            return -_round(self._fee(row, paid) * amount / paid, row) if paid > 0 else None
        before = max(paid - self.given_back[line["parent_ref"]], Decimal(0))
        after = max(before - amount, Decimal(0))
        kept = [self._fee(row, rest) if rest > 0 else Decimal(0) for rest in (before, after)]
        return kept[1] - kept[0]


def _by_parts(tiers: list[Row], start: Decimal, end: Decimal) -> Decimal:
    total, low = Decimal(0), Decimal(0)
    for tier in tiers:
        high = Decimal(tier.get("up_to", "Infinity"))
        part = min(end, high) - max(start, low)
        if part > 0:
            total += part * Decimal(tier.get("percent", "0")) / 100
        low = high
    return total


def _round(amount: Decimal, row: Row, mode: str = "") -> Decimal:
    unit = Decimal(1).scaleb(-DECIMALS[row["currency"]])
    return amount.quantize(unit, MODES[mode or row.get("rounding", "half_up")])


def _is_return(row: Row, line: Line) -> bool:
    return line["kind"] not in row["kinds"]


def _covers(row: Row, line: Line, day: date) -> bool:
    if line["kind"] not in row["kinds"] and GIVES_BACK.get(line["kind"]) not in row["kinds"]:
        return False
    if line["currency"] != row["currency"]:
        return False
    if day < row["effective_from"] or day > row.get("effective_to", date.max):
        return False
    converted = line.get("original_currency") not in (None, line["currency"])
    if row.get("converted", converted) != converted:
        return False
    if "merchants" in row and line.get("merchant_id") not in row["merchants"]:
        return False
    method = line.get("payment_method")
    methods = row.get("payment_methods")
    if methods is None:
        return True
    return method is not None and any(fnmatchcase(method, one) for one in methods)


def _rank(row: Row, line: Line) -> tuple[bool, ...]:
    methods = row.get("payment_methods")
    exact = methods is not None and not any("*" in one for one in methods)
    return (
        line["kind"] in row["kinds"],
        row.get("promotion", False),
        "merchants" in row,
        exact,
        methods is not None,
        "converted" in row,
    )
