"""All sources of the shipped samples as servers on loopback, and a configuration that reaches them.

Keys, passwords and the certificate authorities are made for this one time. The secrets go into the
environment under the names that the configuration says, and are gone when the block ends.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from recon.io.live.apis import Adyen, Alipay, Stripe, WeChatPay
from recon.io.live.https_server import Handler, private_key, serving
from recon.io.live.sftp_server import USER, SftpServer, sftp_serving

_PATTERNS: Final = {  # of the names of the samples that come over SFTP
    "acquirer": ["umsaetze_{account}_{date:%Y%m%d}.csv"],
    "bank": ["{account}_{date:%Y-%m-%d}.*.sta", "{account}_{date:%Y-%m-%d}.*.xml"],
    "paypal": ["STL-{date:%Y%m%d}.*.CSV"],
    "tpwallet": ["{account}_{date:%Y-%m-%d}.csv"],
}
_MERCHANT: Final = "1600000001"
_ALIPAY_ACCOUNT: Final = "20889990001234560156"
_APP: Final = "2021000000000001"


@contextmanager
def standing_in(project: Path, folder: Path) -> Iterator[Path]:
    """Serve sample_statements/ for as long as the block lasts; answers the configuration's folder,
    a copy of the shipped one in which every source is a server. It stays, to be looked at; the keys
    go."""
    samples, configs = project / "sample_statements", folder / "configs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    shutil.copytree(project / "configs", configs)
    (folder / samples.name).symlink_to(samples)  # for what the configuration names beside sources
    values: dict[str, str] = {}
    apis = _apis(samples)
    with ExitStack() as running:
        (folder / "sftp").mkdir()
        sftp = running.enter_context(sftp_serving(folder / "sftp", samples))
        for provider, patterns in _PATTERNS.items():
            _configure(configs, provider, _sftp_source(sftp, provider, patterns))
        for provider, (handler, credentials) in apis.items():
            (folder / provider).mkdir()
            server = running.enter_context(serving(folder / provider, handler))
            named = {name: f"RECON_LIVE_{provider}_{name}".upper() for name in credentials}
            values |= {named[name]: value for name, value in credentials.items()}
            _configure(configs, provider, _https_source(server.base_url, server.ca_file, named))
        running.enter_context(_in_environment(values))
        yield configs
    for made in ("sftp", *apis):
        shutil.rmtree(folder / made)


def _apis(samples: Path) -> dict[str, tuple[Handler, dict[str, str]]]:
    """Each API, and the credentials that it accepts."""
    made: dict[str, tuple[Handler, dict[str, str]]] = {}
    (ours, our_pem, _), (theirs, _, their_pem) = private_key(), private_key()
    made["wechatpay"] = (
        WeChatPay(samples / "wechatpay", _MERCHANT, theirs, ours.public_key()),
        {
            "merchant_id": _MERCHANT,
            "serial_no": secrets.token_hex(20).upper(),
            "private_key": our_pem,
            "platform_public_key": their_pem,
        },
    )
    made["alipay"] = (
        Alipay(samples / "alipay", _ALIPAY_ACCOUNT, _APP, theirs, ours.public_key()),
        {"app_id": _APP, "private_key": our_pem, "alipay_public_key": their_pem},
    )
    api_key, password = secrets.token_urlsafe(), secrets.token_urlsafe()
    made["stripe"] = Stripe(samples / "stripe", api_key), {"api_key": api_key}
    made["adyen"] = (
        Adyen(samples / "adyen", "ReconDemoEU", "report@Company.Demo", password),
        {"user": "report@Company.Demo", "password": password, "first_batch": "411"},
    )
    return made


def _sftp_source(server: SftpServer, provider: str, patterns: list[str]) -> str:
    return f"""[source]
channel = "sftp"
host = "127.0.0.1"
port = {server.port}
host_keys = ["{server.host_key}"]
user = "{USER}"
key_file = "{server.key_file.resolve()}"
path = "/{provider}"
patterns = {json.dumps(patterns)}
settle_seconds = 0               # the files of the demo do not grow
"""


def _https_source(base_url: str, ca_file: Path, named: Mapping[str, str]) -> str:
    rows = "\n".join(f'{name} = "{variable}"' for name, variable in named.items())
    return f"""[source]
channel = "https"
base_url = "{base_url}"
ca_file = "{ca_file.resolve()}"

[source.credentials]
{rows}
"""


def _configure(configs: Path, provider: str, source: str) -> None:
    """Put another [source] in the place of the shipped one, up to the next table."""
    path = configs / "providers" / f"{provider}.toml"
    text = path.read_text("utf-8")
    found = re.compile(r"^\[source\]\n.*?(?=^\[)", re.MULTILINE | re.DOTALL)
    path.write_text(found.sub(lambda _: source + "\n", text, count=1), "utf-8")


@contextmanager
def _in_environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
