"""F02, F04, F09, F11-F13 against every provider's API: stand-ins that check our signatures, with
faults put between them and us."""

import base64
import hmac
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from recon.errors import ReconError, UserError
from recon.io.https import fetch_https, probe_https
from recon.io.live.apis import Adyen, Alipay, Stripe, WeChatPay
from recon.io.live.https_server import Answer, Asked, Handler, private_key, serving
from recon.io.sources import HttpsSource
from recon.io.transfers import Errand, Fetched, TransferError
from recon.periods import one_day

DAY = date(2026, 11, 18)
SAMPLES = Path(__file__).parents[2] / "sample_statements"
OURS, OUR_PEM, _ = private_key()
THEIRS, _, THEIR_PEM = private_key()
STRANGER, STRANGER_PEM, _ = private_key()


@dataclass(frozen=True)
class Api:
    """A provider's stand-in, what it accepts, and a secret that it does not."""

    account: str
    statement: str
    handler: Callable[[], Handler]
    secrets: dict[str, str]
    wrong: dict[str, str]


APIS = {
    "wechatpay": Api(
        "1600000001",
        "trade_all",
        lambda: WeChatPay(SAMPLES / "wechatpay", "1600000001", THEIRS, OURS.public_key()),
        {
            "merchant_id": "1600000001",
            "serial_no": "5157F09E",
            "private_key": OUR_PEM,
            "platform_public_key": THEIR_PEM,
        },
        {"private_key": STRANGER_PEM},
    ),
    "alipay": Api(
        "20889990001234560156",
        "trade_detail",
        lambda: Alipay(
            SAMPLES / "alipay", "20889990001234560156", "2021", THEIRS, OURS.public_key()
        ),
        {"app_id": "2021", "private_key": OUR_PEM, "alipay_public_key": THEIR_PEM},
        {"private_key": STRANGER_PEM},
    ),
    "stripe": Api(
        "acct_RECONDEMO0001",
        "balance_transactions",
        lambda: Stripe(SAMPLES / "stripe", "sk_live_hush", page=7),
        {"api_key": "sk_live_hush"},
        {"api_key": "sk_live_other"},
    ),
    "adyen": Api(
        "ReconDemoEU",
        "settlement_detail",
        lambda: Adyen(SAMPLES / "adyen", "ReconDemoEU", "report@Company", "hush-hush"),
        {"user": "report@Company", "password": "hush-hush", "first_batch": "411"},
        {"password": "other"},
    ),
}
ALL = pytest.mark.parametrize("provider", APIS)


@pytest.fixture
def fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetch from a server with this handler: what was fetched, by name, and the whole answer."""
    with ExitStack() as running:

        def fetch(
            provider: str,
            handler: Handler,
            secrets: dict[str, str] | None = None,
            timeout_seconds: int = 2,
            **serve: Any,
        ) -> tuple[dict[str, bytes], Fetched, Errand]:
            api = APIS[provider]
            for name, value in (secrets or api.secrets).items():
                monkeypatch.setenv(f"T_{name}", value)
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            server = running.enter_context(serving(folder, handler, **serve))
            source = HttpsSource(
                channel="https",
                base_url=server.base_url,
                credentials={name: f"T_{name}" for name in api.secrets},
                ca_file=server.ca_file,
                retry_seconds=0,
                timeout_seconds=timeout_seconds,
                attempts=2,
            )
            errand = Errand(
                *(provider, source, (api.account,), one_day(DAY), folder, folder / "staging"),
                {api.account: (api.statement,)},
            )
            fetched = fetch_https(errand)
            return {path.name: path.read_bytes() for path in fetched.files}, fetched, errand

        yield fetch


def problem(fetched: Fetched) -> ReconError:
    assert fetched.files == []
    [(_, error)] = fetched.problems
    return error


def whole(provider: str, fetching: Any) -> dict[str, bytes]:
    """What an undisturbed server gives."""
    files, fetched, _ = fetching(provider, APIS[provider].handler())
    assert fetched.problems == []
    assert files
    return dict(files)


@ALL
def test_f09_what_is_not_signed_or_authorised_is_refused_at_once_and_no_secret_is_told(
    fetching: Any, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asked: list[Asked] = []
    handler = APIS[provider].handler()

    def counting(one: Asked) -> Answer:
        asked.append(one)
        return handler(one)

    secrets = APIS[provider].secrets | APIS[provider].wrong
    _, fetched, _ = fetching(provider, counting, secrets)
    said = f"{problem(fetched)} {caplog.text}"
    assert "refuses" in said
    assert len(asked) == 1
    for value in APIS[provider].wrong.values():
        assert value.strip().splitlines()[-2 if "\n" in value else 0] not in said


@ALL
@pytest.mark.parametrize("status", [429, 503])
def test_f11_every_request_may_fail_once_and_one_that_always_fails_leaves_nothing(
    fetching: Any, provider: str, status: int
) -> None:
    handler, seen = APIS[provider].handler(), Counter[str]()

    def flaky(one: Asked) -> Answer:
        key = one.target.split("token")[0]
        seen[key] += 1
        return Answer(status=status) if seen[key] == 1 else handler(one)

    files, fetched, _ = fetching(provider, flaky)
    assert fetched.problems == []
    assert files == whole(provider, fetching)

    other, calls = APIS[provider].handler(), Counter[str]()

    def ends(one: Asked) -> Answer:
        """From the second address on, it does not work at all."""
        calls[one.target] += 1
        return other(one) if len(calls) == 1 else Answer(status=status)

    _, fetched, _ = fetching(provider, ends)
    assert isinstance(problem(fetched), TransferError)


@ALL
@pytest.mark.parametrize("cut", ["nothing", "a byte", "half", "all but a byte"])
def test_f02_an_answer_that_breaks_off_anywhere_is_asked_for_again(
    fetching: Any, provider: str, cut: str
) -> None:
    handler, seen = APIS[provider].handler(), Counter[str]()

    def dropping(one: Asked) -> Answer:
        key = one.target.split("token")[0]
        seen[key] += 1
        if seen[key] > 1:
            return handler(one)
        answer = handler(one)  # Alipay's address is used up by this, and asked for again
        size = len(answer.body)
        at = {"nothing": 0, "a byte": 1, "half": size // 2, "all but a byte": size - 1}[cut]
        return replace(answer, cut=at) if size else answer

    files, fetched, _ = fetching(provider, dropping)
    assert fetched.problems == []
    assert files == whole(provider, fetching)


@ALL
def test_f04_a_server_that_says_nothing_is_given_up(fetching: Any, provider: str) -> None:
    _, fetched, _ = fetching(provider, lambda one: Answer(silence=1.5), timeout_seconds=1)
    assert "no answer in time" in str(problem(fetched))


@ALL
def test_f13_a_server_with_an_expired_certificate_is_not_asked(
    fetching: Any, provider: str
) -> None:
    asked: list[Asked] = []

    def never(one: Asked) -> Answer:
        asked.append(one)
        return Answer()

    _, fetched, errand = fetching(provider, never, days=-1)
    assert "certificate is not valid" in str(problem(fetched))
    with pytest.raises(UserError, match="certificate is not valid"):
        probe_https(errand)
    assert asked == []


def test_f11_the_address_of_an_alipay_bill_is_asked_for_again_after_thirty_seconds(
    fetching: Any,
) -> None:
    seconds = iter([0, 31, 40, 41])  # given out, used, given out, used
    api = APIS["alipay"].handler()
    slow = replace(api, clock=lambda: next(seconds))  # type: ignore[type-var]
    files, fetched, _ = fetching("alipay", slow)
    assert fetched.problems == []
    assert files == whole("alipay", fetching)


def test_f12_pages_that_repeat_rows_give_every_row_once(fetching: Any) -> None:
    api = APIS["stripe"].handler()
    expected = whole("stripe", fetching)

    def repeating(one: Asked) -> Answer:
        """A row comes in at the top between two pages, so each page begins with one we have."""
        after = "starting_after=" in one.target and "balance_transactions" in one.target
        answer = api(one)
        if not after:
            return answer
        document = json.loads(answer.body)
        last = one.target.rpartition("starting_after=")[2]
        known = json.loads(
            api(replace(one, target=one.target.partition("&starting_after")[0])).body
        )
        again = [row for row in known["data"] if row["id"] == last]
        document["data"] = again + document["data"]
        return Answer(json.dumps(document).encode())

    files, fetched, _ = fetching("stripe", repeating)
    assert fetched.problems == []
    assert files == expected


def test_f09_the_password_of_a_report_user_is_sent_to_the_configured_host_only(
    fetching: Any,
) -> None:
    seen: list[Asked] = []
    api = APIS["adyen"].handler()

    def redirecting(one: Asked) -> Answer:
        seen.append(one)
        return Answer(status=302, headers={"location": "https://evil.example/"})

    _, fetched, _ = fetching("adyen", redirecting)
    assert (fetched.files, len(seen)) == ([], 1)
    token = base64.b64encode(b"report@Company:hush-hush").decode()
    assert seen[0].headers["authorization"] == f"Basic {token}"
    assert api is not None


# ------------------------------------------------------------------------- Adyen's notifications

HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"


def notice(url: str, batch: int = 411, *, signed_with: str = HMAC_KEY, **changes: Any) -> bytes:
    """A REPORT_AVAILABLE notification, as the public sample has it."""
    item: dict[str, Any] = {
        "amount": {"currency": "EUR", "value": 0},
        "eventCode": "REPORT_AVAILABLE",
        "eventDate": "2026-11-19T01:00:00+01:00",
        "merchantAccountCode": "ReconDemoEU",
        "merchantReference": "",
        "pspReference": f"settlement_detail_report_batch_{batch}.csv",
        "reason": f"{url}/settlement_detail_report_batch_{batch}.csv",
        "success": "true",
    } | changes
    text = f"{item['pspReference']}::{item['merchantAccountCode']}::0:EUR:{item['eventCode']}:true"
    digest = hmac.digest(bytes.fromhex(signed_with), text.encode(), "sha256")
    item["additionalData"] = {"hmacSignature": base64.b64encode(digest).decode()}
    document = {"live": "true", "notificationItems": [{"NotificationRequestItem": item}]}
    return json.dumps(document).encode()


def announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **notices: Any) -> Fetched:
    """Fetch what notifications announce; each is made of the server's address."""
    api = APIS["adyen"]
    for name, value in (api.secrets | {"hmac_key": HMAC_KEY}).items():
        monkeypatch.setenv(f"T_{name}", value)
    (tmp_path / "notices").mkdir()
    with serving(tmp_path, api.handler()) as server:
        reports = f"{server.base_url}/reports/download/MerchantAccount/ReconDemoEU"
        for name, made in notices.items():
            (tmp_path / "notices" / f"{name}.json").write_bytes(made(reports))
        source = HttpsSource(
            channel="https",
            base_url=server.base_url,
            credentials={name: f"T_{name}" for name in (*api.secrets, "hmac_key")},
            ca_file=server.ca_file,
            retry_seconds=0,
            notifications=Path("notices"),
        )
        errand = Errand(
            *("adyen", source, (api.account,), one_day(DAY), tmp_path, tmp_path / "staging"),
            {api.account: (api.statement,)},
        )
        return fetch_https(errand)


def test_a_notification_names_the_report_that_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = announced(
        *(tmp_path, monkeypatch),
        a=lambda url: notice(url, 412),
        b=lambda url: notice(url, 411),
        older=lambda url: notice(url, 410),
        another=lambda url: notice(url, 413, merchantAccountCode="Another"),
        payment=lambda url: notice(url, 413, eventCode="AUTHORISATION"),
    )
    assert fetched.problems == []
    assert [path.name[-7:] for path in fetched.files] == ["411.csv", "412.csv"]
    sent = SAMPLES / "adyen" / "settlement_detail_report_batch_411.csv"
    assert fetched.files[0].read_bytes() == sent.read_bytes()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda url: notice(url, signed_with="00" * 32), "is not signed by Adyen"),
        (lambda url: notice("https://evil.example"), "names the host 'evil.example'"),
        (lambda url: b'{"notificationItems": 1}', "is no notification of Adyen"),
    ],
)
def test_a_notification_that_is_not_adyens_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any, said: str
) -> None:
    assert said in str(problem(announced(tmp_path, monkeypatch, one=made)))
