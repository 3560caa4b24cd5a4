"""The payouts of a day with all of their balance transactions, page by page, all or nothing.

Credentials: `api_key`, and `account` where a platform asks for a connected account.
Source: https://docs.stripe.com/api/pagination, https://docs.stripe.com/api/payouts/list.
"""

import json
from collections.abc import Generator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from recon.providers.remote import (
    Asking,
    DamagedError,
    FetchedStatement,
    NoActivityError,
    NotYetError,
    Order,
    RefusedError,
    Request,
    Response,
    credential,
)

_PAGE = 100
_PAGES = 20_000  # a list that does not end is a mistake


def fetch(order: Order) -> Asking:
    """One document of the payouts that arrive on the day; see api.py for its form."""
    start = datetime.combine(order.business_date, time(), UTC)
    end = start + timedelta(days=1)
    arriving = {
        "arrival_date[gte]": int(start.timestamp()),
        "arrival_date[lt]": int(end.timestamp()),
    }
    payouts = yield from _all(order, "/v1/payouts", arriving)
    if not payouts:
        raise NoActivityError(f"Stripe has no payout that arrives on {order.business_date}")
    parts = []
    for payout in payouts:
        if payout.get("automatic") and payout.get("reconciliation_status") == "in_progress":
            raise NotYetError(f"Stripe is still putting {payout['id']} together")
        asked = {"payout": payout["id"], "expand[]": "data.source"}
        listed = yield from _all(order, "/v1/balance_transactions", asked)
        transactions = {"object": "list", "has_more": False, "data": listed}
        parts.append({"payout": payout, "balance_transactions": transactions})
    name = f"{order.account}_payouts_{order.business_date}.json"
    return [FetchedStatement(name, (json.dumps(parts, ensure_ascii=False) + "\n").encode())]


def _all(
    order: Order, path: str, asked: dict[str, Any]
) -> Generator[Request, Response, list[dict[str, Any]]]:
    """Every object of a list, once, newest first; a row that moves between pages is one row."""
    found: dict[str, dict[str, Any]] = {}
    after: dict[str, str] = {}
    for _ in range(_PAGES):
        query = urlencode(asked | {"limit": _PAGE} | after)
        response = yield Request("GET", f"{order.base_url}{path}?{query}", _headers(order))
        page = _page(response)
        fresh = {item["id"]: item for item in page["data"] if item["id"] not in found}
        found |= fresh
        if not page["has_more"]:
            return list(found.values())
        if not fresh:
            raise DamagedError(f"Stripe's list {path} goes round in circles")
        after = {"starting_after": page["data"][-1]["id"]}
    raise DamagedError(f"Stripe's list {path} does not end")


def _headers(order: Order) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {credential(order, 'api_key')}"}
    if "account" in order.credentials:
        headers["Stripe-Account"] = order.credentials["account"]
    return headers


def _page(response: Response) -> dict[str, Any]:
    try:
        # A rate of exchange is kept as text: a float would change it on its way to our document.
        document = json.loads(response.body, parse_float=str)
    except ValueError:
        raise DamagedError(f"Stripe's answer ({response.status}) is no JSON") from None
    if response.status != 200:
        error = document.get("error", {})
        raise RefusedError(
            f"Stripe refuses ({response.status}): {error.get('message', 'no reason')}"
        )
    if not isinstance(document.get("data"), list) or "has_more" not in document:
        raise DamagedError("Stripe's answer is no list")
    return dict(document)
