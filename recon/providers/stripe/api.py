"""Payouts and the balance transactions each consists of, as the API gives them, in one document.

    [{"payout": {...}, "balance_transactions": {"object": "list", "data": [...]}}, ...]

The objects are kept as received. The transactions of a payout include its own row, and all of them
add up to zero, which is the control total: the payout's amount against the rest. A payout that
failed shows as a row of a later payout. Amounts are whole numbers of the smallest unit; the fee is
that of `fee`, of which `fee_details` are only the parts.

The document is taken apart by Python's json module: Polars makes 10 of 10.5 without a word. Each
transaction becomes a row as soon as it is read, so that no more than one is held as it was.
"""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks
from recon.providers.contract import Content, Description, ReadContext, Reading, no_balances
from recon.providers.stripe import codes
from recon.tables import CONTROL_TOTAL, INSTANT

_TRANSACTION = {
    "id": pl.String(),
    "category": pl.String(),
    "currency": pl.String(),
    "created": INSTANT,
    "gross": money.MONEY,
    "fee": money.MONEY,
    "stated_net": money.MONEY,
    "wrong": pl.String(),
    "fee_parts": money.MONEY,  # what fee_details add up to; null without any
    "source": pl.String(),
    "parent": pl.String(),
    "order": pl.String(),
    "own_ref": pl.String(),
    "method": pl.String(),
    "rate": pl.String(),
    "status": pl.String(),
    "description": pl.String(),
}
_NO_PAYOUT = {
    "payout": pl.lit(None, dtype=pl.String),
    "arrival": pl.lit(None, dtype=pl.Date),
}
_BLOCK_ROWS = 20_000
_STATUS = {"available": "succeeded", "pending": "pending"}
_LOOKS_LIKE = re.compile(rb'\A\s*\[\s*\{\s*"payout"\s*:')
_ARRIVAL = re.compile(rb'"arrival_date"\s*:\s*(\d+)')


def describe(content: Content) -> Description | None:
    if not _LOOKS_LIKE.match(content.head.removeprefix(b"\xef\xbb\xbf")):
        return None
    arrival = _ARRIVAL.search(content.head)
    day = None if arrival is None else one_day(_day(int(arrival[1])))
    return Description("balance_transactions", None, day)


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def read(content: Content, context: ReadContext) -> Reading:
    taken = _Taken()
    try:
        document = _document(content, taken)
        found = [_numbers_of(part, taken, content.name) for part in document]
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise StatementError(
            f"{content.name}: an object is not as the API gives it ({error!r}); fetch it again"
        ) from None
    rows = taken.rows(found)
    day = context.business_dates.last if context.business_dates else None
    typed = rows.lazy().with_columns(
        kind=codes.kind(pl.col("category"), pl.col("gross")),
        rate_money=money.parse(pl.col("rate"), decimals=17),
        business_date=pl.lit(day, dtype=pl.Date) if day else pl.col("arrival"),
    )
    of_day = checks.placed(context, day=("arrival_date", pl.col("arrival")))
    every = [*_checks(), *of_day]
    here = checks.here(checks.judged(typed, every), context, None, pl.col("arrival"))
    good, rejects = checks.parts(here, every, content.file_id)
    return Reading(
        lines=_lines(good, content, context),
        rejects=rejects,
        controls=_controls(document, rows, content).lazy(),
        balances=no_balances(),
    )


class _Number(int):
    """Where a transaction that was taken up stands among all of them."""


class _Taken:
    """The transactions of a document, taken up one by one while it is read."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._blocks: list[pl.DataFrame] = []
        self._count = 0

    def instead(self, read: dict[str, Any]) -> object:
        """What the document gets in place of an object: the number of a transaction."""
        return self.number(read) if read.get("object") == "balance_transaction" else read

    def number(self, transaction: dict[str, Any]) -> _Number:
        self._rows.append(_row(transaction))
        if len(self._rows) == _BLOCK_ROWS:
            self._flush()
        self._count += 1
        return _Number(self._count - 1)

    def _flush(self) -> None:
        self._blocks.append(pl.DataFrame(self._rows, schema=_TRANSACTION, orient="row"))
        self._rows.clear()

    def rows(self, payouts: list[tuple[str, date, list[_Number]]]) -> pl.DataFrame:
        """_ROW in the order of the payouts; transactions that are in none are no rows."""
        self._flush()
        every = pl.concat(self._blocks)
        parts = [
            every[numbers].with_columns(payout=pl.lit(payout), arrival=pl.lit(arrival))
            for payout, arrival, numbers in payouts
        ]
        found = pl.concat([every.clear().with_columns(**_NO_PAYOUT), *parts])
        return found.with_columns(line_no=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32))


def _document(content: Content, taken: _Taken) -> list[dict[str, Any]]:
    """The document, in which transactions are numbers of those that were taken up."""
    try:
        text = b"".join(content.blocks()).decode("utf-8-sig")
        document: list[dict[str, Any]] = json.loads(
            text, parse_float=str, object_hook=taken.instead
        )
    except ValueError as error:
        raise StatementError(f"{content.name}: is no whole JSON document ({error})") from None
    shape_is_known = isinstance(document, list) and all(
        isinstance(part, dict) and {"payout", "balance_transactions"} <= set(part)
        for part in document
    )
    if not shape_is_known:
        raise StatementError(f"{content.name}: not a list of payouts with balance_transactions")
    return document


def _numbers_of(part: dict[str, Any], taken: _Taken, name: str) -> tuple[str, date, list[_Number]]:
    """A payout, its arrival, and the transactions that it consists of."""
    payout, listed = part["payout"], part["balance_transactions"]
    if isinstance(listed, dict):
        if listed.get("has_more"):
            raise StatementError(
                f"{name}: {payout['id']} has more transactions than are here; fetch all its pages"
            )
        listed = listed["data"]
    numbers = [one if isinstance(one, _Number) else taken.number(one) for one in listed]
    return payout["id"], _day(payout["arrival_date"]), numbers


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    """_TRANSACTION of one as the API gives it."""
    source = one.get("source")
    expanded = source if isinstance(source, dict) else {}
    charge = expanded.get("charge")
    paid = charge if isinstance(charge, dict) else expanded
    metadata = expanded.get("metadata") or {}
    is_payment = expanded.get("object") == "charge"
    currency = str(one["currency"]).upper()
    amounts, wrong = _amounts(one, currency)
    return (
        one["id"],
        one.get("reporting_category") or "",
        currency,
        datetime.fromtimestamp(one["created"], UTC),
        *amounts,
        wrong,
        _fee_parts(one, currency),
        expanded.get("id") if expanded else source,
        (charge if isinstance(charge, str) else paid.get("id")) if not is_payment else None,
        (paid.get("metadata") or {}).get("order_id"),
        metadata.get("order_id") if is_payment else metadata.get("refund_id"),
        _method(paid.get("payment_method_details")),
        None if one.get("exchange_rate") is None else str(one["exchange_rate"]),
        one.get("status"),
        one.get("description"),
    )


def _amounts(one: dict[str, Any], currency: str) -> tuple[list[Decimal | None], str | None]:
    """Gross, fee and net; with the name of the first that is no whole number."""
    places = codes.exponent(currency)
    for name in ("amount", "fee", "net"):
        if type(one.get(name)) is not int:
            return [None, None, None], f"{name} {one.get(name)}"
    scale = 0 if places is None else -places
    return [Decimal(one[name]).scaleb(scale) for name in ("amount", "fee", "net")], None


def _fee_parts(one: dict[str, Any], currency: str) -> Decimal | None:
    """The fees of Stripe and of applications, and taxes, that `fee` consists of: never added."""
    parts = [part.get("amount") for part in one.get("fee_details") or ()]
    if not parts or any(type(part) is not int for part in parts):
        return None
    return Decimal(sum(parts)).scaleb(-(codes.exponent(currency) or 0))


def _method(details: dict[str, Any] | None) -> str | None:
    """card, or applepay:card where the card is in a wallet."""
    if not details:
        return None
    method = str(details.get("type"))
    wallet = ((details.get(method) or {}).get("wallet") or {}).get("type")
    return f"{wallet.replace('_', '')}:{method}" if wallet else method


def _checks() -> list[checks.Check]:
    known = pl.col("currency").is_in(list(money.EXPONENT))
    net = pl.col("gross") - pl.col("fee")
    return [
        checks.Check("amount", pl.col("wrong"), pl.col("wrong").is_null(), "not an amount"),
        checks.Check("currency", pl.col("currency"), known, "not a currency we know"),
        checks.Check(
            "reporting_category",
            pl.col("category"),
            pl.col("kind").is_not_null(),
            "unknown category",
            unmapped=True,
        ),
        checks.Check(
            "fee_details",
            money.to_text(pl.col("fee_parts")),
            pl.col("fee_parts").is_null() | (pl.col("fee_parts") == pl.col("fee")),
            "the parts of the fee do not add up to it",
        ),
        checks.Check(
            "net", pl.col("id"), net == pl.col("stated_net"), "net is not amount less fee"
        ),
        checks.Check(
            "status", pl.col("status"), pl.col("status").is_in(list(_STATUS)), "unknown", True
        ),
    ]


def _lines(rows: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    is_payment = pl.col("kind") == "payment"
    return checks.to_lines(
        rows.select(
            "line_no",
            "id",
            "kind",
            "business_date",
            "currency",
            "gross",
            "fee",
            "description",
            account=pl.lit(context.account or ""),
            occurred_at="created",
            txn_id=pl.coalesce("source", "id"),
            merchant_ref="own_ref",
            parent_txn_id=pl.when(~is_payment).then("parent"),
            parent_ref=pl.when(~is_payment).then("order"),
            batch_id="payout",
            payment_method="method",
            exchange_rate="rate_money",
            status=checks.mapped(pl.col("status"), _STATUS),
        ),
        "stripe",
        content.file_id,
        key=["id"],
    )


def _controls(document: list[dict[str, Any]], rows: pl.DataFrame, content: Content) -> pl.DataFrame:
    """Each payout's amount against the net of all its other transactions, rejected ones too."""
    others = rows.filter(pl.col("category") != "payout")
    net = dict(others.group_by("payout").agg(pl.col("stated_net").sum()).iter_rows())
    stated = [
        (content.file_id, f"payout {payout['id']}", currency, amount, net.get(payout["id"], 0))
        for payout in (part["payout"] for part in document)
        for currency in [str(payout["currency"]).upper()]
        for amount in [_stated(payout["amount"], currency)]
    ]
    return pl.DataFrame(stated, schema=dict(CONTROL_TOTAL), orient="row")


def _stated(amount: object, currency: str) -> Decimal | None:
    places = codes.exponent(currency)
    if type(amount) is not int or places is None:
        return None
    return Decimal(amount).scaleb(-places)
