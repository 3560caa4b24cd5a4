"""Bills over the gateway: a signed request gives an address that works for thirty seconds.

Credentials: `app_id`, `private_key` (PEM) of the application, and, to check that answers are
Alipay's own, `alipay_public_key` (PEM). The bill is a zip of the details and their summary.
Source: https://opendocs.alipay.com/open/02fkbl (bills), https://opendocs.alipay.com/common/02kdnc.
"""

import base64
import json
import re
from datetime import UTC, timedelta, timezone
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from recon.errors import UserError
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

_METHOD = "alipay.data.dataservice.bill.downloadurl.query"
_ANSWER = "alipay_data_dataservice_bill_downloadurl_query_response"
_BILL_TYPE = {"trade_detail": "trade", "account_detail": "signcustomer"}
_BEIJING = timezone(timedelta(hours=8))
_ZIP_MARK = b"PK\x03\x04"
_ADDRESSES = 3  # an address that expired while we waited is asked for again


def fetch(order: Order) -> Asking:
    """The zip of one day's bill, as it comes."""
    if order.statement not in _BILL_TYPE:
        return []  # a summary comes in the same zip as its details
    for _ in range(_ADDRESSES):
        answer = yield _signed(order)
        response = yield Request("GET", _address(answer, order), is_statement=True)
        if response.status == 200 and response.body.startswith(_ZIP_MARK):
            name = f"{order.account}_{order.statement}_{order.business_date:%Y%m%d}.csv.zip"
            return [FetchedStatement(name, response.body)]
    raise NotYetError(f"the bill of {order.business_date} could not be downloaded: no zip came")


def _signed(order: Order) -> Request:
    bill = {"bill_type": _BILL_TYPE[order.statement], "bill_date": str(order.business_date)}
    fields = {
        "app_id": credential(order, "app_id"),
        "biz_content": json.dumps(bill, separators=(",", ":")),
        "charset": "UTF-8",
        "format": "json",
        "method": _METHOD,
        "sign_type": "RSA2",
        "timestamp": f"{order.now().astimezone(UTC).astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}",
        "version": "1.0",
    }
    message = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    fields["sign"] = _signature(order, message)
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    return Request("POST", order.base_url, headers, urlencode(fields).encode())


def _signature(order: Order, message: str) -> str:
    try:
        key = serialization.load_pem_private_key(credential(order, "private_key").encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UserError("the credential 'private_key' is no RSA key in PEM without a passphrase")
    signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def _address(answer: Response, order: Order) -> str:
    if answer.status != 200:
        raise NotYetError(f"the gateway answers with status {answer.status}")
    try:
        document = json.loads(answer.body)
        said = document[_ANSWER]
    except (ValueError, KeyError):
        raise DamagedError("the gateway's answer is not the one to our question") from None
    _verify(order, answer.body, str(document.get("sign", "")))
    code, reason = said.get("code"), f"{said.get('sub_code', '')} {said.get('sub_msg', '')}".strip()
    if code == "10000":
        return str(said["bill_download_url"])
    if "bill_not_exist" in reason:
        raise NoActivityError(f"Alipay has no bill of {order.business_date}")
    if code == "20000":
        raise NotYetError(f"Alipay is busy ({reason})")
    raise RefusedError(f"Alipay refuses ({code}): {reason or said.get('msg')}")


def _verify(order: Order, body: bytes, signature: str) -> None:
    """The signature covers the answer's own text, so it is cut out, never made again."""
    if "alipay_public_key" not in order.credentials:
        return
    key = serialization.load_pem_public_key(order.credentials["alipay_public_key"].encode())
    pattern = rb'"%b"\s*:\s*(\{.*\})\s*,\s*"(?:sign|alipay_cert_sn)"' % _ANSWER.encode()
    found = re.search(pattern, body, re.DOTALL)
    if not isinstance(key, rsa.RSAPublicKey):
        raise UserError("the credential 'alipay_public_key' is no RSA key")
    try:
        text = found[1] if found else b""
        key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise DamagedError("an answer is not signed by Alipay; it was not used") from None
