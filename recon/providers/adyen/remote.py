"""Settlement details reports by their number: batch after batch until one is not there yet.

Credentials: `user` and `password` of a report user, `first_batch`, the number to begin with when
the inbox has none yet, and, where notifications are received, `hmac_key`, which they are signed
with. Reports of days already passed are taken as they are found.
Source: https://docs.adyen.com/reporting/automatically-get-reports.
"""

import base64
from collections.abc import Iterator
from urllib.parse import quote

from recon.errors import UserError
from recon.providers.adyen.notices import announced
from recon.providers.remote import (
    Asking,
    DamagedError,
    FetchedStatement,
    Order,
    RefusedError,
    Request,
    credential,
)

IS_BY_DAY = False
_BATCHES = 60  # of one errand: two months of days


def fetch(order: Order) -> Asking:
    """Every report after the last one that is in the inbox: those that were announced, or, without
    notifications, one number after the other."""
    token = f"{credential(order, 'user')}:{credential(order, 'password')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(token).decode()}"}
    found: list[FetchedStatement] = []
    for name, url in _wanted(order):
        response = yield Request("GET", url, headers, is_statement=True)
        if response.status in (401, 403):
            raise RefusedError(f"Adyen refuses the report user ({response.status})")
        if response.status == 404:
            break  # not there yet; what a day lacks is told by the day
        if response.status != 200:
            raise DamagedError(f"Adyen answers {name} with status {response.status}")
        found.append(FetchedStatement(name, response.body))
    return found


def _wanted(order: Order) -> Iterator[tuple[str, str]]:
    """Names and addresses, in the order of their numbers."""
    first = _next_batch(order)
    if order.notices is not None:
        yield from (there for number, there in announced(order).items() if number >= first)
        return
    for batch in range(first, first + _BATCHES):
        name = f"settlement_detail_report_batch_{batch}.csv"
        account = quote(order.account, safe="")
        yield name, f"{order.base_url}/reports/download/MerchantAccount/{account}/{name}"


def _next_batch(order: Order) -> int:
    if order.last_part is not None:
        return order.last_part + 1
    text = credential(order, "first_batch")
    if not text.isdecimal():
        raise UserError(f"the credential 'first_batch' is no number: {text!r}")
    return int(text)
