"""How a provider's API is asked for statements, without a socket: requests out, responses in.

A provider that has an API has a module `remote` in its folder, with a generator function `fetch`,
and `IS_BY_DAY = False` where its statements are numbered rather than dated.
It is given an `Order`, yields `Request`s, is sent the `Response` to each, and returns the
statements it got. `io.https` performs the requests: time-outs, retries, certificates and files
are its business, signatures and answers are the provider's. So a provider is tested by sending it
responses, and the shell by a server of its own.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import import_module
from typing import TypeAlias

from recon.errors import NotProvedError, UserError


@dataclass(frozen=True)
class Order:
    """What to fetch. `credentials` are secrets by the names the provider's module lists."""

    account: str
    business_date: date
    statement: str  # a kind of statement of the provider
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    nonce: Callable[[], str]
    last_part: int | None = None  # the highest part of this statement that is in the inbox
    notices: tuple[bytes, ...] | None = None  # notifications of the provider; None: not received


@dataclass(frozen=True)
class Request:
    """`url` is absolute. `headers` may hold signatures, so they are in no message."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    is_statement: bool = False  # its answer may be large


@dataclass(frozen=True)
class Response:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class FetchedStatement:
    """A statement as received, byte for byte, and the name it gets."""

    name: str
    content: bytes = field(repr=False)


Asking: TypeAlias = Generator[Request, Response, Sequence[FetchedStatement]]


@dataclass(frozen=True)
class Remote:
    """How a provider is asked. Where statements are numbered rather than dated, it is asked once
    for all days: `is_by_day` is false."""

    fetch: Callable[[Order], Asking]
    is_by_day: bool = True


class NoActivityError(NotProvedError):
    """The provider says that the day has no statement because nothing happened."""


class NotYetError(NotProvedError):
    """The provider says that the statement is being made: ask again later."""


class RefusedError(UserError):
    """The provider refuses who we are or what we ask. Asking again would not help."""


class DamagedError(NotProvedError):
    """What came is not what the provider announced: nothing of it is used."""


def remote_of(slug: str) -> Remote | None:
    """How a provider is asked, found by its place; None for one without an API."""
    name = f"recon.providers.{slug}.remote"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        return None
    return Remote(module.fetch, getattr(module, "IS_BY_DAY", True))


def credential(order: Order, name: str) -> str:
    """Errors: UserError that names the credential which the source does not have."""
    if name not in order.credentials:
        raise UserError(f"the source has no credential {name!r}; add it to [source.credentials]")
    return order.credentials[name]
