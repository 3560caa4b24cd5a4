"""REPORT_AVAILABLE notifications: which settlement report can be downloaded, and where.

Source: https://docs.adyen.com/reporting/automatically-get-reports, and for their signatures
https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

from recon.errors import UserError
from recon.providers.remote import DamagedError, Order

_REPORT = re.compile(r"settlement_detail_report_batch_([0-9]+)\.csv")
_SIGNED = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")


def announced(order: Order) -> dict[int, tuple[str, str]]:
    """Batch number -> name and address of each report of the account that was announced.

    Errors: DamagedError for a notification that is none, or that Adyen has not signed, where the
    credential `hmac_key` says what it would be signed with.
    """
    found: dict[int, tuple[str, str]] = {}
    for notice in order.notices or ():
        for item in _items(notice):
            name = str(item.get("pspReference", ""))
            report = _REPORT.fullmatch(name)
            is_ours = item.get("merchantAccountCode") == order.account
            is_there = item.get("eventCode") == "REPORT_AVAILABLE" and item.get("success") == "true"
            if report is None or not is_ours or not is_there:
                continue
            _verify(order, item)
            found[int(report[1])] = name, str(item.get("reason", ""))
    return dict(sorted(found.items()))


def _items(notice: bytes) -> Iterator[dict[str, Any]]:
    try:
        for one in json.loads(notice)["notificationItems"]:
            yield dict(one["NotificationRequestItem"])
    except (ValueError, KeyError, TypeError):
        raise DamagedError("a file in source.notifications is no notification of Adyen") from None


def _verify(order: Order, item: dict[str, Any]) -> None:
    if "hmac_key" not in order.credentials:
        return
    try:
        key = binascii.unhexlify(order.credentials["hmac_key"])
    except ValueError:
        raise UserError("the credential 'hmac_key' is not written in hexadecimal digits") from None
    amount = item.get("amount", {})
    values = [str(item.get(name) or "") for name in _SIGNED]
    values += [str(amount.get("value", "")), str(amount.get("currency", ""))]
    values += [str(item.get("eventCode", "")), str(item.get("success", ""))]
    made = base64.b64encode(hmac.digest(key, ":".join(values).encode(), hashlib.sha256)).decode()
    said = str(item.get("additionalData", {}).get("hmacSignature", ""))
    if not hmac.compare_digest(made.encode(), said.encode()):
        raise DamagedError("a notification is not signed by Adyen; nothing was downloaded for it")
