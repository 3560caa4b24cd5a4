"""Bills of API v3: ask for the address of a bill, then for the bill; both requests are signed.

Credentials: `merchant_id`, `serial_no` of the merchant's certificate, `private_key` (PEM), and, to
check that answers are WeChat Pay's own, `platform_public_key` (PEM). Where `merchant_id` is that
of a service provider, the account is one of its sub-merchants.
Source: https://pay.weixin.qq.com/doc/v3/merchant/4012365342 (signing), 4012791907 (bills).
"""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

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

_PATHS = {
    "trade_all": "/v3/bill/tradebill?bill_date={day}&bill_type=ALL",
    "trade_success": "/v3/bill/tradebill?bill_date={day}&bill_type=SUCCESS",
    "trade_refund": "/v3/bill/tradebill?bill_date={day}&bill_type=REFUND",
    "fund_flow": "/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC",
}
_SCHEME = "WECHATPAY2-SHA256-RSA2048"


def fetch(order: Order) -> Asking:
    """The bill of one day, its bytes held to the SHA-1 that the API announces."""
    answer = yield _signed(order, f"{order.base_url}{_path(order)}")
    _verify(order, answer)
    bill = _bill(answer, order)
    response = yield _signed(order, bill["download_url"], is_statement=True)
    if response.status != 200:
        raise NotYetError(f"the bill of {order.business_date} could not be downloaded yet")
    if hashlib.sha1(response.body).hexdigest() != bill["hash_value"].lower():
        raise DamagedError(
            f"the bill of {order.business_date} is not the one announced: its SHA-1 differs"
        )
    name = f"{order.account}_{order.statement}_{order.business_date}.csv"
    return [FetchedStatement(name, response.body)]


def _path(order: Order) -> str:
    """What is asked for; a service provider asks in its own name for a sub-merchant's bill."""
    path = _PATHS[order.statement].format(day=order.business_date)
    merchant = credential(order, "merchant_id")
    if merchant == order.account:
        return path
    if order.statement == "fund_flow":  # it would be that of the service provider's balance
        raise UserError(
            f"WeChat Pay gives the fund-flow bill of {order.account} to nobody else, and the "
            f"credentials are those of {merchant}; take fund_flow out of account.statements, or "
            "name the credentials of the sub-merchant"
        )
    return f"{path}&sub_mchid={order.account}"


def _signed(order: Order, url: str, *, is_statement: bool = False) -> Request:
    split = urlsplit(url)
    target = split.path + (f"?{split.query}" if split.query else "")
    stamp, nonce = str(int(order.now().timestamp())), order.nonce()
    signature = sign(private_key(order), f"GET\n{target}\n{stamp}\n{nonce}\n\n")
    token = (
        f'mchid="{credential(order, "merchant_id")}",nonce_str="{nonce}",'
        f'signature="{signature}",timestamp="{stamp}",'
        f'serial_no="{credential(order, "serial_no")}"'
    )
    headers = {"Authorization": f"{_SCHEME} {token}", "Accept": "application/json"}
    return Request("GET", url, headers, is_statement=is_statement)


def private_key(order: Order) -> rsa.RSAPrivateKey:
    """Errors: UserError for anything but an RSA key, which is not shown."""
    try:
        key = serialization.load_pem_private_key(credential(order, "private_key").encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UserError("the credential 'private_key' is no RSA key in PEM without a passphrase")
    return key


def sign(key: rsa.RSAPrivateKey, message: str) -> str:
    signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def _verify(order: Order, answer: Response) -> None:
    if "platform_public_key" not in order.credentials:
        return
    names = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature")
    stamp, nonce, signature = (answer.headers.get(name, "") for name in names)
    message = f"{stamp}\n{nonce}\n".encode() + answer.body + b"\n"
    key = serialization.load_pem_public_key(order.credentials["platform_public_key"].encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise UserError("the credential 'platform_public_key' is no RSA key")
    try:
        key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise DamagedError("an answer is not signed by WeChat Pay; it was not used") from None


def _bill(answer: Response, order: Order) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    code = said.get("code", "")
    if code == "NO_STATEMENT_EXIST":
        raise NoActivityError(f"WeChat Pay has no {order.statement} of {order.business_date}")
    if code == "STATEMENT_CREATING":
        raise NotYetError(f"the {order.statement} of {order.business_date} is being made")
    if answer.status != 200:
        raise RefusedError(
            f"WeChat Pay refuses ({answer.status} {code}): {said.get('message', 'no reason given')}"
        )
    if not {"hash_value", "download_url"} <= set(said) or said.get("hash_type") != "SHA1":
        raise DamagedError("WeChat Pay's answer names no bill with a SHA-1")
    return dict(said)
