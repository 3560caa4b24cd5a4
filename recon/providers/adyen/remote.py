"""Settlement details reports by their number: batch after batch until one is not there yet.

Credentials: `user` and `password` of a report user, and `first_batch`, the number to begin with
when the inbox has none yet. Reports of days already passed are taken as they are found.
Source: https://docs.adyen.com/reporting/automatically-get-reports.
"""

import base64

from recon.errors import UserError
from recon.providers.remote import (
    Asking,
    FetchedStatement,
    Order,
    RefusedError,
    Request,
    credential,
)

IS_BY_DAY = False
_BATCHES = 60  # of one errand: two months of days


def fetch(order: Order) -> Asking:
    """Every report after the last one that is in the inbox."""
    number = _next_batch(order)
    token = f"{credential(order, 'user')}:{credential(order, 'password')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(token).decode()}"}
    found: list[FetchedStatement] = []
    for batch in range(number, number + _BATCHES):
        name = f"settlement_detail_report_batch_{batch}.csv"
        url = f"{order.base_url}/reports/download/MerchantAccount/{order.account}/{name}"
        response = yield Request("GET", url, headers, is_statement=True)
        if response.status in (401, 403):
            raise RefusedError(f"Adyen refuses the report user ({response.status})")
        if response.status != 200:
            break
        found.append(FetchedStatement(name, response.body))
    return found  # nothing at all: what a day lacks is told by the day


def _next_batch(order: Order) -> int:
    if order.last_part is not None:
        return order.last_part + 1
    text = credential(order, "first_batch")
    if not text.isdecimal():
        raise UserError(f"the credential 'first_batch' is no number: {text!r}")
    return int(text)
