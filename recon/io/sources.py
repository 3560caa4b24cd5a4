"""How statements of a provider arrive: the `[source]` table of configs/providers/<slug>.toml.

One settings class a channel; `SourceSettings` is any of them, told apart by `channel`. What a
channel does is in the table of recon/io/fetch.py.
"""

import base64
import binascii
import string
from datetime import date
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from recon.io.secrets import SecretName
from recon.io.setting_types import Settings, WholeNumber


class _AnySource(Settings):
    """What every channel can do: open statements that come encrypted with OpenPGP."""

    decrypt_key_env: SecretName | None = None
    decrypt_passphrase_env: SecretName | None = None

    def secret_names(self, accounts: tuple[str, ...]) -> list[tuple[str, str]]:
        """Each setting that names a secret, and the name, for the accounts of the provider."""
        return [(name, value) for name, value in self if name.endswith("_env") and value]


class FolderSource(_AnySource):
    """Files are dropped into a folder by people or by another program."""

    channel: Literal["folder"]
    path: Path  # relative paths start beside the configuration

    @property
    def origin(self) -> str:
        """Where statements come from, as a report says it."""
        return f"folder {self.path}"


def _only(*allowed: str, needed: str | None = None) -> Any:
    """A text in which only some `{placeholders}` may stand."""

    def check(value: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError as error:
            raise ValueError(f"{value!r}: {error}") from None
        valid = ", ".join(f"{{{name}}}" for name in allowed)
        if not names <= set(allowed):
            raise ValueError(f"{value!r} has a placeholder that is none of {valid}")
        if needed is not None and f"{{{needed}}}" not in value:
            raise ValueError(f"{value!r} lacks {{{needed}}}")
        try:  # so that a date format nobody understands is told now, not tonight
            value.format(date=date(2026, 11, 20), account="1", name="n")
        except (ValueError, IndexError, KeyError) as error:
            raise ValueError(f"{value!r}: {error}") from None
        return value

    return AfterValidator(check)


def _host_key(value: str) -> str:
    words = value.split()
    try:
        if len(words) < 2 or not base64.b64decode(words[1], validate=True):
            raise ValueError(value)
    except (binascii.Error, ValueError):
        raise ValueError(
            "write a host key as its type and its key, like 'ssh-ed25519 AAAA...'; "
            "ask the provider for it, or compare what `ssh-keyscan` says with their documentation"
        ) from None
    return value


def _beside(value: str) -> str:
    if value == "{name}" or "/" in value:
        raise ValueError(f"{value!r} must be another name in the same folder, like '{{name}}.done'")
    return value


_Beside = Annotated[str, _only("name", needed="name"), AfterValidator(_beside)]


class SftpSource(_AnySource):
    """Files lie on a server of the provider, or of our own, that is asked over SFTP."""

    channel: Literal["sftp"]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[WholeNumber, Field(ge=1, le=65535)] = 22
    user: str | None = None
    user_env: SecretName | None = None
    key_file: Path | None = None
    key_passphrase_env: SecretName | None = None
    password_env: SecretName | None = None
    host_keys: Annotated[list[Annotated[str, AfterValidator(_host_key)]], Field(min_length=1)]
    path: Annotated[str, _only("date")]
    patterns: Annotated[list[Annotated[str, _only("date", "account")]], Field(min_length=1)]
    marker: _Beside | None = None
    checksum: _Beside | None = None
    timeout_seconds: Annotated[WholeNumber, Field(ge=1, le=600)] = 30
    settle_seconds: Annotated[WholeNumber, Field(ge=0, le=60)] = 3
    attempts: Annotated[WholeNumber, Field(ge=1, le=10)] = 4
    retry_seconds: Annotated[WholeNumber, Field(ge=0, le=60)] = 2

    @model_validator(mode="after")
    def _somebody_with_a_key(self) -> Self:
        if (self.user is None) == (self.user_env is None):
            raise ValueError("say who logs in: either user, or user_env")
        if self.key_file is None and self.password_env is None:
            raise ValueError("say how to log in: key_file, or password_env")
        if self.key_passphrase_env is not None and self.key_file is None:
            raise ValueError("key_passphrase_env needs key_file")
        return self

    @property
    def origin(self) -> str:
        return f"sftp {self.host}:{self.port} {self.path}"

    def folder(self, day: date) -> str:
        return self.path.format(date=day)

    def fixed_folder(self) -> str:
        """The part of the path above the first date: what must be there on any day."""
        parts = PurePosixPath(self.path).parts
        dated = next((place for place, part in enumerate(parts) if "{" in part), len(parts))
        return str(PurePosixPath(*parts[:dated])) if dated else "."

    def globs(self, day: date, accounts: tuple[str, ...]) -> set[str]:
        """The names to look for on a day."""
        return {
            pattern.format(date=day, account=escape(account))
            for pattern in self.patterns
            for account in accounts
        }


def _https(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError(f"{value!r} does not start with https://")
    return value


class HttpsSource(_AnySource):
    """An API of the provider, asked over HTTPS with its own signatures."""

    channel: Literal["https"]
    base_url: Annotated[str, AfterValidator(_https)]
    download_hosts: list[str] = []
    credentials: dict[str, Annotated[SecretName, _only("account")]]
    ca_file: Path | None = None
    notifications: Path | None = None
    ask_again_days: Annotated[WholeNumber, Field(ge=0, le=366)] = 7
    timeout_seconds: Annotated[WholeNumber, Field(ge=1, le=600)] = 30
    attempts: Annotated[WholeNumber, Field(ge=1, le=10)] = 4
    retry_seconds: Annotated[WholeNumber, Field(ge=0, le=60)] = 2

    @property
    def origin(self) -> str:
        return self.base_url

    def credentials_of(self, account: str) -> dict[str, str]:
        """Credential = the secret it is, for an account."""
        return {name: value.format(account=account) for name, value in self.credentials.items()}

    def secret_names(self, accounts: tuple[str, ...]) -> list[tuple[str, str]]:
        return super().secret_names(accounts) + [
            (f"credentials.{name}", value)
            for account in accounts
            for name, value in self.credentials_of(account).items()
        ]


SOURCES = (FolderSource, SftpSource, HttpsSource)  # a new channel is named here, and below
SourceSettings: TypeAlias = Annotated[
    FolderSource | SftpSource | HttpsSource, Field(discriminator="channel")
]
