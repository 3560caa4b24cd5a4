"""Statements from an HTTPS API: performs the requests a provider's `remote` describes.

Certificates are always verified, redirects are not followed, and only the configured hosts are
asked, so that an answer cannot send us and our signatures elsewhere. What may pass (429, 5xx,
time-outs, dropped connections) is tried again with growing, jittered delays; an answer counts only
when it is whole. No header, body or query is ever in a message: they hold secrets.
"""

import logging
import secrets
import ssl
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from recon.errors import NotProvedError, ReconError, UserError
from recon.io.inbox import safe_name
from recon.io.names import file_name
from recon.io.secrets import secret
from recon.io.sources import HttpsSource
from recon.io.transfers import Errand, Fetched, TransferError, retried, settle, writing
from recon.providers.remote import (
    FetchedStatement,
    NoActivityError,
    Order,
    Request,
    Response,
    remote_of,
)

# It would log every address, and their queries hold tokens.
logging.getLogger("httpx").setLevel(logging.WARNING)

_LARGEST_BYTES: Final = 1024**3
_LONGEST_WAIT_SECONDS: Final = 60
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


def fetch_https(errand: Errand) -> Fetched:
    """Ask for every statement of the errand's accounts and days; see `transfers.Fetched`.

    What is `settled` is not asked for. What cannot be had of one statement does not stop the
    others; a day for which the provider says that there was nothing is in `quiet`. Errors:
    UserError for a provider that has no API, and for credentials that are not set.
    """
    remote = remote_of(errand.provider)
    if remote is None:
        raise UserError(f"{errand.provider} has no API that we know; use another channel")
    fetched = Fetched()
    with _client(errand.source, errand.base) as client:
        for account, statements in errand.statements.items():
            for day in errand.period if remote.is_by_day else [errand.period.last]:
                silent = []
                for statement in statements:
                    if (account, statement, day) in errand.settled:
                        continue
                    order = _order(errand, account, statement, day)
                    try:
                        found = perform(client, errand.source, remote.fetch(order))
                        fetched.files += [_kept(errand, account, one) for one in found]
                    except NoActivityError:
                        silent.append(statement)
                    except ReconError as error:
                        what = f"{errand.provider} {account} {day} {statement}"
                        fetched.problems.append((what, error))
                if silent and len(silent) == len(statements):
                    fetched.quiet.append((account, day))
    return fetched


def probe_https(errand: Errand) -> str:
    """Whether the host answers with a certificate that we trust, and all credentials are set."""
    source: HttpsSource = errand.source
    for account in errand.accounts:
        _credentials(source, account)
    with _client(source, errand.base) as client:
        perform_one(client, source, Request("HEAD", source.base_url))
    return f"{urlsplit(source.base_url).netloc} answers, its certificate is valid"


def _order(errand: Errand, account: str, statement: str, day: date) -> Order:
    return Order(
        account=account,
        business_date=day,
        statement=statement,
        base_url=errand.source.base_url.rstrip("/"),
        credentials=_credentials(errand.source, account),
        now=lambda: datetime.now(UTC),
        nonce=lambda: secrets.token_hex(16),
        last_part=errand.last_parts.get((account, statement)),
        notices=_notices(errand.source, errand.base),
    )


def _credentials(source: HttpsSource, account: str) -> Mapping[str, str]:
    return {name: secret(value) for name, value in source.credentials_of(account).items()}


def _notices(source: HttpsSource, base: Path) -> tuple[bytes, ...] | None:
    """What our receiver of the provider's notifications has kept, in the order of their names."""
    if source.notifications is None:
        return None
    folder = base / source.notifications
    if not folder.is_dir():
        raise UserError(f"the folder {folder} of source.notifications does not exist")
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.json")))


def _client(source: HttpsSource, base: Path) -> httpx.Client:
    context = ssl.create_default_context()
    if source.ca_file is not None:
        try:
            context.load_verify_locations(base / source.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"ca_file {source.ca_file} cannot be used: {error}") from None
    return httpx.Client(verify=context, timeout=source.timeout_seconds, trust_env=True)


def perform(
    client: httpx.Client,
    source: HttpsSource,
    asking: Generator[Request, Response, Sequence[FetchedStatement]],
) -> Sequence[FetchedStatement]:
    """Run a remote to its end: every request it yields, every response sent back into it."""
    try:
        request = next(asking)
        while True:
            request = asking.send(perform_one(client, source, request))
    except StopIteration as done:
        found: Sequence[FetchedStatement] = done.value
        return found


def perform_one(client: httpx.Client, source: HttpsSource, request: Request) -> Response:
    """One whole answer, whatever its status but those that may pass.

    Errors: TransferError when they do not pass; UserError for a host that is not configured and
    for a certificate that nobody we trust has signed.
    """
    url = _allowed(source, request.url)
    return retried(
        lambda: _once(client, request, url),
        attempts=source.attempts,
        first_delay=source.retry_seconds,
    )


def _allowed(source: HttpsSource, url: str) -> str:
    """The address over TLS. Errors: UserError for a host that the configuration does not name."""
    split = urlsplit(url)
    base = urlsplit(source.base_url)
    if split.netloc != base.netloc and split.netloc not in source.download_hosts:
        raise UserError(
            f"the answer names the host {safe_name(split.netloc)!r}, which is neither that of "
            "base_url nor in download_hosts; it was not asked"
        )
    return urlunsplit(split._replace(scheme="https"))


def _once(client: httpx.Client, request: Request, url: str) -> Response:
    shown = f"{request.method} {urlsplit(url).netloc}{urlsplit(url).path}"
    try:
        with client.stream(
            request.method, url, headers=dict(request.headers), content=request.body or None
        ) as answer:
            body = _body(answer, shown)
    except httpx.ConnectError as error:
        if "certificate" in str(error).lower():
            raise UserError(
                f"{shown}: the server's certificate is not valid ({error}); it was not asked"
            ) from None
        raise TransferError(f"{shown}: no connection ({error})") from None
    except httpx.TimeoutException:
        raise TransferError(f"{shown}: no answer in time") from None
    except httpx.HTTPError as error:
        raise TransferError(f"{shown}: the answer broke off ({error})") from None
    if answer.status_code in _PASSING:
        _wait(answer.headers.get("retry-after"))
        raise TransferError(f"{shown}: status {answer.status_code}")
    return Response(answer.status_code, dict(answer.headers), body)


def _body(answer: httpx.Response, shown: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > _LARGEST_BYTES:
            raise NotProvedError(f"{shown}: the answer is larger than {_LARGEST_BYTES:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _wait(retry_after: str | None) -> None:
    """What the server asks for, within reason: seconds or a date."""
    if retry_after is None:
        return
    if retry_after.strip().isdecimal():
        seconds = int(retry_after)
    else:
        try:
            then = parsedate_to_datetime(retry_after)
        except ValueError:
            return
        seconds = int((then - datetime.now(UTC)).total_seconds())
    time.sleep(min(max(seconds, 0), _LONGEST_WAIT_SECONDS))


def _kept(errand: Errand, account: str, one: FetchedStatement) -> Path:
    """A whole statement under its name in the staging folder, from where it is received."""
    folder = errand.staging / file_name(account)
    final = folder / safe_name(one.name)
    part = final.with_name(f"{final.name}.part")
    with writing(part):
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(one.content)
    return settle(part, final)
