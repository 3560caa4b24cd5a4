"""Faults of HTTPS APIs, against a real server: dropped, late, repeated, forged."""

import base64
import hashlib
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from recon.errors import ReconError, UserError
from recon.io import https
from recon.io.https import fetch_https, probe_https
from recon.io.live.https_server import Answer, Asked, Handler, Server, private_key, serving
from recon.io.sources import HttpsSource
from recon.io.transfers import Errand, Fetched, TransferError
from recon.periods import one_day
from recon.providers.remote import DamagedError, NotYetError, RefusedError

DAY = date(2026, 11, 18)
SAMPLES = Path(__file__).parents[2] / "sample_statements"
BILL = (SAMPLES / "wechatpay" / f"1600000001_trade_all_{DAY}.csv").read_bytes()
OURS, OUR_PEM, _ = private_key()
THEIRS, _, THEIR_PUBLIC_PEM = private_key()
STATEMENTS = {
    "wechatpay": ("1600000001", "trade_all"),
    "alipay": ("20889990001234560156", "trade_detail"),
    "stripe": ("acct_RECONDEMO0001", "balance_transactions"),
    "adyen": ("ReconDemoEU", "settlement_detail"),
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OUR_KEY": OUR_PEM, "THEIR_KEY": THEIR_PUBLIC_PEM, "MERCHANT": "1600000001",
        "SERIAL": "5157F09EFDC096DE15EBE81A47057A72", "API_KEY": "sk_test_hush",
        "REPORT_USER": "report@Company", "REPORT_PASSWORD": "hush-hush", "FIRST": "411",
        "APP": "2021000000000001",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


CREDENTIALS = {
    "wechatpay": {"merchant_id": "MERCHANT", "serial_no": "SERIAL", "private_key": "OUR_KEY",
                  "platform_public_key": "THEIR_KEY"},
    "alipay": {"app_id": "APP", "private_key": "OUR_KEY", "alipay_public_key": "THEIR_KEY"},
    "stripe": {"api_key": "API_KEY"},
    "adyen": {"user": "REPORT_USER", "password": "REPORT_PASSWORD", "first_batch": "FIRST"},
}  # fmt: skip


def errand(server: Server, folder: Path, provider: str, **changes: Any) -> Errand:
    account, statement = STATEMENTS[provider]
    source = HttpsSource(
        channel="https",
        base_url=server.base_url,
        credentials=CREDENTIALS[provider],
        ca_file=server.ca_file,
        retry_seconds=0,
        timeout_seconds=2,
        **changes,
    )
    return Errand(provider, source, (account,), one_day(DAY), folder, folder / "staging",
                  {account: (statement,)})  # fmt: skip


@contextmanager
def fetched_from(
    handler: Handler, folder: Path, provider: str, **changes: Any
) -> Iterator[tuple[Fetched, Server]]:
    with serving(folder, handler) as server:
        yield fetch_https(errand(server, folder, provider, **changes)), server


def signed(message: bytes) -> str:
    return base64.b64encode(THEIRS.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_ours(message: str, signature: str) -> bool:
    public: rsa.RSAPublicKey = OURS.public_key()
    try:
        public.verify(
            base64.b64decode(signature), message.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature:
        return False
    return True


# --------------------------------------------------------------------------------------- WeChat Pay


def wechat(asked: Asked, bill: bytes = BILL, sha1: str | None = None, **said: str) -> Answer:
    """The API: it believes nothing that is not signed with our key."""
    token = dict(re.findall(r'(\w+)="([^"]*)"', asked.headers["authorization"]))
    message = f"{asked.method}\n{asked.target}\n{token['timestamp']}\n{token['nonce_str']}\n\n"
    if not is_ours(message, token["signature"]) or token["mchid"] != "1600000001":
        return Answer(b'{"code": "SIGN_ERROR", "message": "wrong signature"}', 401)
    if asked.target.startswith("/billdownload"):
        return Answer(bill)
    host = asked.headers["host"]
    answer = said or {
        "hash_type": "SHA1",
        "hash_value": sha1 or hashlib.sha1(bill).hexdigest(),
        "download_url": f"https://{host}/billdownload/file?token=a1&tartype=",
    }
    body = json.dumps(answer).encode()
    signature = signed(b"1768500000\nabc\n" + body + b"\n")
    headers = {"Wechatpay-Timestamp": "1768500000", "Wechatpay-Nonce": "abc",
               "Wechatpay-Signature": signature}  # fmt: skip
    return Answer(body, 400 if "code" in answer else 200, headers)


def test_a_wechat_bill_is_fetched_with_signed_requests(tmp_path: Path) -> None:
    with fetched_from(wechat, tmp_path, "wechatpay") as (fetched, server):
        (path,) = fetched.files
        assert not fetched.problems
        assert path.read_bytes() == BILL
        assert path.name == f"1600000001_trade_all_{DAY}.csv"
        assert [asked.method for asked in server.asked] == ["GET", "GET"]
        assert f"bill_date={DAY}&bill_type=ALL" in server.asked[0].target


def test_what_is_settled_is_not_asked_for_again(tmp_path: Path) -> None:
    with serving(tmp_path, wechat) as server:
        order = errand(server, tmp_path, "wechatpay")
        fetched = fetch_https(replace(order, settled=frozenset({("1600000001", "trade_all", DAY)})))
        assert (fetched, server.asked) == (Fetched(), [])


def problem(fetched: Fetched) -> ReconError:
    assert not fetched.files
    ((_, error),) = fetched.problems
    return error


def test_a_day_without_a_statement_and_one_that_is_not_ready_are_told_apart(
    tmp_path: Path,
) -> None:
    none = lambda asked: wechat(asked, code="NO_STATEMENT_EXIST")  # noqa: E731
    with fetched_from(none, tmp_path, "wechatpay") as (fetched, _):
        assert (fetched.quiet, fetched.problems) == ([("1600000001", DAY)], [])
    late = lambda asked: wechat(asked, code="STATEMENT_CREATING")  # noqa: E731
    with fetched_from(late, tmp_path, "wechatpay") as (fetched, _):
        assert isinstance(problem(fetched), NotYetError)
        assert fetched.quiet == []


def test_f06_a_bill_whose_checksum_differs_is_not_accepted(tmp_path: Path) -> None:
    wrong = lambda asked: wechat(asked, sha1="0" * 40)  # noqa: E731
    with fetched_from(wrong, tmp_path, "wechatpay") as (fetched, _):
        assert isinstance(problem(fetched), DamagedError)


def test_an_answer_that_the_provider_has_not_signed_is_not_used(tmp_path: Path) -> None:
    def forged(asked: Asked) -> Answer:
        answer = wechat(asked)
        return Answer(answer.body.replace(b"token=a1", b"token=b2"), 200, answer.headers)

    with fetched_from(forged, tmp_path, "wechatpay") as (fetched, _):
        assert isinstance(problem(fetched), DamagedError)


def test_an_answer_cannot_send_us_to_another_host(tmp_path: Path) -> None:
    elsewhere = lambda asked: wechat(  # noqa: E731
        asked, hash_type="SHA1", hash_value="0", download_url="https://evil.example/bill"
    )
    with fetched_from(elsewhere, tmp_path, "wechatpay") as (fetched, server):
        assert "evil.example" in str(problem(fetched))
        assert len(server.asked) == 1


@pytest.mark.parametrize("cut", [0, 1, 100, len(BILL) - 1])
def test_f02_a_connection_dropped_at_any_byte_is_tried_again(tmp_path: Path, cut: int) -> None:
    downloads = count()

    def dropping(asked: Asked) -> Answer:
        answer = wechat(asked)
        if asked.target.startswith("/billdownload") and next(downloads) == 0:
            return Answer(answer.body, cut=cut)
        return answer

    with fetched_from(dropping, tmp_path, "wechatpay") as (fetched, _):
        assert fetched.files[0].read_bytes() == BILL


@pytest.mark.parametrize("status", [429, 500, 503])
def test_f11_busy_servers_are_asked_again_and_given_up_in_the_end(
    tmp_path: Path, status: int
) -> None:
    calls = count()
    busy_once = lambda asked: Answer(status=status) if next(calls) == 0 else wechat(asked)  # noqa: E731
    with fetched_from(busy_once, tmp_path, "wechatpay") as (fetched, _):
        assert len(fetched.files) == 1
    always = lambda asked: Answer(status=status)  # noqa: E731
    with fetched_from(always, tmp_path, "wechatpay", attempts=3) as (fetched, server):
        assert isinstance(problem(fetched), TransferError)
        assert len(server.asked) == 3


def test_f11_the_server_says_how_long_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(https.time, "sleep", waited.append)
    calls = count()

    def busy(asked: Asked) -> Answer:
        return (
            Answer(status=429, headers={"retry-after": "7"}) if next(calls) == 0 else wechat(asked)
        )

    with fetched_from(busy, tmp_path, "wechatpay"):
        assert 7 in waited


def test_f04_a_silent_server_is_a_typed_time_out(tmp_path: Path) -> None:
    silent = lambda asked: Answer(silence=3)  # noqa: E731
    with fetched_from(silent, tmp_path, "wechatpay", attempts=1) as (fetched, _):
        assert "no answer in time" in str(problem(fetched))


def test_f09_a_refused_key_fails_at_once_and_no_secret_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse = lambda asked: Answer(b'{"code": "SIGN_ERROR", "message": "no"}', 401)  # noqa: E731
    with serving(tmp_path, refuse) as server:
        what = errand(server, tmp_path, "wechatpay")
        what.source.credentials.pop("platform_public_key")
        fetched = fetch_https(what)
        assert isinstance(problem(fetched), RefusedError)
        assert len(server.asked) == 1
        said = f"{problem(fetched)} {caplog.text} {what!r}"
        assert OUR_PEM.splitlines()[1] not in said
        assert server.asked[0].headers["authorization"].split('signature="')[1][:20] not in said


@pytest.mark.parametrize(("days", "is_self_signed"), [(-1, False), (1, True)])
def test_f13_an_expired_or_self_signed_certificate_is_refused(
    tmp_path: Path, days: int, is_self_signed: bool
) -> None:
    with serving(tmp_path, wechat, days=days, is_self_signed=is_self_signed) as server:
        what = errand(server, tmp_path, "wechatpay")
        assert "certificate is not valid" in str(problem(fetch_https(what)))
        with pytest.raises(UserError, match="certificate"):
            probe_https(what)
        assert not server.asked
    sources = Path(https.__file__).parents[1].rglob("*.py")
    assert not [path for path in sources if "verify=False" in path.read_text("utf-8")]


def test_a_missing_credential_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUR_KEY")
    with serving(tmp_path, wechat) as server, pytest.raises(UserError, match="OUR_KEY"):
        fetch_https(errand(server, tmp_path, "wechatpay"))


# ------------------------------------------------------------------------------------------- Stripe


def stripe(pages: Callable[[str], tuple[list[Any], bool]]) -> Handler:
    def answer(asked: Asked) -> Answer:
        if asked.headers["authorization"] != "Bearer sk_test_hush":
            return Answer(b'{"error": {"message": "bad key"}}', 401)
        query = parse_qs(urlsplit(asked.target).query)
        if urlsplit(asked.target).path == "/v1/payouts":
            start = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp()
            assert query["arrival_date[gte]"] == [str(int(start))]
            data, more = [{"id": "po_1", "amount": 300, "arrival_date": int(start),
                           "currency": "usd", "automatic": True}], False  # fmt: skip
        else:
            assert query["payout"] == ["po_1"]
            data, more = pages(query.get("starting_after", [""])[0])
        return Answer(json.dumps({"object": "list", "data": data, "has_more": more}).encode())

    return answer


def row(number: int) -> dict[str, Any]:
    return {"id": f"txn_{number}", "amount": 100, "exchange_rate": None}


def test_f12_a_row_that_moves_between_pages_is_one_row(tmp_path: Path) -> None:
    pages = {"": ([row(1), row(2)], True), "txn_2": ([row(2), row(3)], False)}
    with fetched_from(stripe(pages.__getitem__), tmp_path, "stripe") as (fetched, _):
        document = json.loads(fetched.files[0].read_bytes())
    listed = document[0]["balance_transactions"]["data"]
    assert [one["id"] for one in listed] == ["txn_1", "txn_2", "txn_3"]


def test_f12_a_list_that_goes_in_circles_is_given_up(tmp_path: Path) -> None:
    round_and_round = stripe(lambda after: ([row(1)], True))
    with fetched_from(round_and_round, tmp_path, "stripe") as (fetched, _):
        assert "circles" in str(problem(fetched))


def test_f11_pages_are_all_there_or_nothing_is(tmp_path: Path) -> None:
    calls = count()

    def flaky(asked: Asked) -> Answer:
        if "starting_after" in asked.target and next(calls) < 2:
            return Answer(status=500)
        return stripe(lambda after: ([row(1)], True) if not after else ([row(2)], False))(asked)

    with fetched_from(flaky, tmp_path, "stripe") as (fetched, _):
        data = json.loads(fetched.files[0].read_bytes())[0]["balance_transactions"]["data"]
        assert len(data) == 2

    def broken(asked: Asked) -> Answer:
        if "starting_after" in asked.target:
            return Answer(status=500)
        return stripe(lambda after: ([row(1)], True))(asked)

    with fetched_from(broken, tmp_path, "stripe", attempts=2) as (fetched, _):
        assert isinstance(problem(fetched), TransferError)


def cursors(server: Server) -> list[str]:
    queries = [parse_qs(urlsplit(asked.target).query) for asked in server.asked]
    return [query.get("starting_after", [""])[0] for query in queries if "payout" in query]


THREE_PAGES = {"": ([row(1)], True), "txn_1": ([row(2)], True), "txn_2": ([row(3)], False)}


@pytest.mark.parametrize("after", ["", "txn_1", "txn_2"])
@pytest.mark.parametrize("cut", [0, 1, 30])
def test_f02_a_list_goes_on_with_the_page_at_which_the_connection_dropped(
    tmp_path: Path, after: str, cut: int
) -> None:
    whole = stripe(THREE_PAGES.__getitem__)
    drops = count()

    def dropping(asked: Asked) -> Answer:
        answer, query = whole(asked), parse_qs(urlsplit(asked.target).query)
        is_page = "payout" in query and query.get("starting_after", [""])[0] == after
        return Answer(answer.body, cut=cut) if is_page and next(drops) == 0 else answer

    with fetched_from(dropping, tmp_path, "stripe") as (fetched, server):
        data = json.loads(fetched.files[0].read_bytes())[0]["balance_transactions"]["data"]
        assert [one["id"] for one in data] == ["txn_1", "txn_2", "txn_3"]
        assert cursors(server) == sorted([*THREE_PAGES, after])


def test_f02_a_list_given_up_midway_leaves_nothing_and_comes_whole_the_next_time(
    tmp_path: Path,
) -> None:
    whole = stripe(THREE_PAGES.__getitem__)
    is_down = True

    def dropping(asked: Asked) -> Answer:
        answer = whole(asked)
        cut = 10 if is_down and "starting_after=txn_1" in asked.target else None
        return Answer(answer.body, cut=cut)

    with serving(tmp_path, dropping) as server:
        order = errand(server, tmp_path, "stripe", attempts=2)
        assert isinstance(problem(fetch_https(order)), TransferError)
        assert cursors(server) == ["", "txn_1", "txn_1"]
        assert not [path for path in order.staging.rglob("*") if path.is_file()]
        is_down = False
        first, second = (fetch_https(order).files[0].read_bytes() for _ in range(2))
    with fetched_from(whole, tmp_path, "stripe") as (undisturbed, _):
        assert first == second == undisturbed.files[0].read_bytes()


# ------------------------------------------------------------------------------------------- Alipay


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bill.csv", "#")
    return out.getvalue()


def alipay(expired: int = 0, body: bytes = _zip(), **changes: str) -> Handler:
    downloads = count()

    def answer(asked: Asked) -> Answer:
        if asked.target.startswith("/download"):
            return Answer(b"<html>expired</html>" if next(downloads) < expired else body)
        fields = dict(parse_qsl(asked.body.decode()))
        signature = fields.pop("sign")
        message = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        assert is_ours(message, signature), "the signature does not cover the fields"
        # The address is plain http, as Alipay gives it; it must be asked over TLS all the same.
        said = {"code": "10000", "bill_download_url": f"http://{asked.headers['host']}/download"}
        text = json.dumps(changes or said, separators=(",", ":"))
        name = "alipay_data_dataservice_bill_downloadurl_query_response"
        return Answer(f'{{"{name}":{text},"sign":"{signed(text.encode())}"}}'.encode())

    return answer


@pytest.mark.parametrize("expired", [0, 1, 2])
def test_an_alipay_bill_is_fetched_again_when_its_address_expires(
    tmp_path: Path, expired: int
) -> None:
    with fetched_from(alipay(expired), tmp_path, "alipay") as (fetched, _):
        assert not fetched.problems
        assert fetched.files[0].read_bytes().startswith(b"PK")
    with fetched_from(alipay(9), tmp_path, "alipay") as (fetched, _):
        assert isinstance(problem(fetched), NotYetError)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "20000", "sub_code": "isp.unknow-error"}, NotYetError),
        ({"code": "40004", "sub_code": "isv.invalid_arguments"}, RefusedError),
    ],
)
def test_the_codes_of_the_gateway(
    tmp_path: Path, changes: dict[str, str], error: type[ReconError]
) -> None:
    with fetched_from(alipay(**changes), tmp_path, "alipay") as (fetched, _):
        assert isinstance(problem(fetched), error)
    with fetched_from(alipay(code="40004", sub_code="isp.bill_not_exist"), tmp_path, "alipay") as (
        fetched,
        _,
    ):
        assert fetched.quiet


# -------------------------------------------------------------------------------------------- Adyen


def test_adyen_reports_are_taken_by_number_until_one_is_not_there(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Answer:
        wanted = base64.b64encode(b"report@Company:hush-hush").decode()
        if asked.headers["authorization"] != f"Basic {wanted}":
            return Answer(status=401)
        number = int(asked.target.rpartition("_")[2].removesuffix(".csv"))
        path = SAMPLES / "adyen" / f"settlement_detail_report_batch_{number}.csv"
        return Answer(path.read_bytes()) if path.exists() else Answer(status=404)

    with serving(tmp_path, answer) as server:
        what = errand(server, tmp_path, "adyen")
        assert [path.name[-7:] for path in fetch_https(what).files] == [
            "411.csv", "412.csv", "413.csv",
        ]  # fmt: skip
        what.last_parts[("ReconDemoEU", "settlement_detail")] = 412  # type: ignore[index]
        assert [path.name[-7:] for path in fetch_https(what).files] == ["413.csv"]
        what.last_parts[("ReconDemoEU", "settlement_detail")] = 413  # type: ignore[index]
        assert fetch_https(what) == Fetched()
