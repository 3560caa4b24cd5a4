"""The APIs of four providers, as far as statements go, over the files of a folder.

Each believes nothing that is not signed or authorised as its provider demands, and signs likewise.
"""

import base64
import hashlib
import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from recon.io.live.https_server import Answer, Asked

_ALIPAY: Final = "alipay_data_dataservice_bill_downloadurl_query_response"
_PAGE: Final = 100


def _sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def _is_signed(key: rsa.RSAPublicKey, message: str, signature: str) -> bool:
    try:
        key.verify(
            base64.b64decode(signature), message.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True)
class WeChatPay:
    """API v3: a signed question gives an address, a signed request to it the bill."""

    folder: Path
    merchant: str
    key: rsa.RSAPrivateKey  # the platform's
    merchant_key: rsa.RSAPublicKey

    def __call__(self, asked: Asked) -> Answer:
        token = dict(re.findall(r'(\w+)="([^"]*)"', asked.headers.get("authorization", "")))
        stamp, nonce = token.get("timestamp", ""), token.get("nonce_str", "")
        message = f"{asked.method}\n{asked.target}\n{stamp}\n{nonce}\n\n"
        is_theirs = _is_signed(self.merchant_key, message, token.get("signature", ""))
        if not is_theirs or token.get("mchid") != self.merchant:
            return self._said({"code": "SIGN_ERROR", "message": "wrong signature"}, 401)
        split = urlsplit(asked.target)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path.endswith("/billdownload/file"):
            return Answer((self.folder / Path(query["token"]).name).read_bytes())
        kind = f"trade_{query['bill_type'].lower()}" if "bill_type" in query else "fund_flow"
        bill = self.folder / f"{self.merchant}_{kind}_{query['bill_date']}.csv"
        if not bill.is_file():
            return self._said({"code": "NO_STATEMENT_EXIST", "message": "no such bill"}, 400)
        address = f"https://{asked.headers['host']}/v3/billdownload/file?token={bill.name}"
        digest = hashlib.sha1(bill.read_bytes()).hexdigest()
        return self._said({"hash_type": "SHA1", "hash_value": digest, "download_url": address})

    def _said(self, document: dict[str, str], status: int = 200) -> Answer:
        body, stamp = json.dumps(document).encode(), str(int(time.time()))
        signature = _sign(self.key, f"{stamp}\nnonce\n".encode() + body + b"\n")
        return Answer(
            body,
            status,
            {
                "Wechatpay-Timestamp": stamp,
                "Wechatpay-Nonce": "nonce",
                "Wechatpay-Signature": signature,
            },
        )


@dataclass(frozen=True)
class Alipay:
    """The gateway: a signed form gives an address that works once, and for thirty seconds."""

    folder: Path
    account: str
    app_id: str
    key: rsa.RSAPrivateKey  # Alipay's
    app_key: rsa.RSAPublicKey
    clock: Callable[[], float] = time.monotonic
    tokens: dict[str, tuple[float, bytes]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Answer:
        split = urlsplit(asked.target)
        if split.path == "/downloadBillFile.resource":
            token = parse_qs(split.query).get("token", [""])[0]
            until, data = self.tokens.pop(token, (0.0, b""))
            late = b"<html>\xe4\xb8\x8b\xe8\xbd\xbd\xe8\xb6\x85\xe6\x97\xb6</html>"
            return Answer(data if self.clock() < until else late)
        fields = dict(parse_qsl(asked.body.decode()))
        signature = fields.pop("sign", "")
        message = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        is_theirs = _is_signed(self.app_key, message, signature)
        if not is_theirs or fields.get("app_id") != self.app_id:
            return self._said({"code": "40002", "sub_code": "isv.invalid-signature"})
        bill = json.loads(fields["biz_content"])
        packed = self._zip(bill["bill_type"], bill["bill_date"].replace("-", ""))
        if packed is None:
            return self._said({"code": "40004", "sub_code": "isp.bill_not_exist"})
        token = str(len(self.tokens) + 1)
        self.tokens[token] = self.clock() + 30, packed
        # Plain http, as the real one says; whoever asks must do so over TLS all the same.
        address = f"http://{asked.headers['host']}/downloadBillFile.resource?token={token}"
        return self._said({"code": "10000", "msg": "Success", "bill_download_url": address})

    def _zip(self, bill_type: str, day: str) -> bytes | None:
        what = "trade" if bill_type == "trade" else "account"
        files = sorted(self.folder.glob(f"{self.account}_{day}_{what}_*.csv"))
        members = [path for path in files if ".golden." not in path.name]
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in members:
                archive.write(path, path.name)
        return out.getvalue() if members else None

    def _said(self, document: dict[str, str]) -> Answer:
        text = json.dumps(document, separators=(",", ":"))
        return Answer(f'{{"{_ALIPAY}":{text},"sign":"{_sign(self.key, text.encode())}"}}'.encode())


@dataclass(frozen=True)
class Stripe:
    """Lists of payouts and of their balance transactions, page by page."""

    folder: Path
    api_key: str
    page: int = _PAGE

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self.api_key}":
            return Answer(b'{"error": {"message": "Invalid API Key provided"}}', 401)
        split = urlsplit(asked.target)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path == "/v1/payouts":
            found = [part["payout"] for part in self._parts() if _arrives(part["payout"], query)]
        else:
            found = [
                transaction
                for part in self._parts()
                if part["payout"]["id"] == query["payout"]
                for transaction in part["balance_transactions"]["data"]
            ]
        ids = [one["id"] for one in found]
        start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        end = start + min(int(query["limit"]), self.page)
        document = {"object": "list", "data": found[start:end], "has_more": end < len(found)}
        return Answer(json.dumps(document).encode())

    def _parts(self) -> list[dict[str, Any]]:
        files = sorted(self.folder.glob("*_payouts_*.json"))
        return [
            part for path in files for part in json.loads(path.read_text("utf-8"), parse_float=str)
        ]


def _arrives(payout: dict[str, Any], query: dict[str, str]) -> bool:
    arrival: int = payout["arrival_date"]
    return int(query["arrival_date[gte]"]) <= arrival < int(query["arrival_date[lt]"])


@dataclass(frozen=True)
class Adyen:
    """Reports by their name, for a report user with a password."""

    folder: Path
    account: str
    user: str
    password: str

    def __call__(self, asked: Asked) -> Answer:
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {token}":
            return Answer(status=401)
        place, _, name = urlsplit(asked.target).path.rpartition("/")
        report = self.folder / name
        is_there = report.is_file() and place.endswith(f"/MerchantAccount/{self.account}")
        return Answer(report.read_bytes()) if is_there else Answer(status=404)
