"""Secrets: the configuration names them, and only here are their values read.

A name is an environment variable (`PAYPAL_PASSWORD`, or `env:PAYPAL_PASSWORD`), or an entry of the
operating system's keyring (`keyring:service/user`). A value is never written anywhere.
"""

import os
import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator

from recon.errors import UserError

_NAME: Final = re.compile(r"(?:env:)?[A-Za-z_][A-Za-z0-9_]*|keyring:.+/[^/]+")
_KEYRING: Final = "keyring:"


def _secret_name(value: str) -> str:
    """Somebody may have pasted the secret itself, so the value is not in the message."""
    if not _NAME.fullmatch(value.replace("{account}", "0")) or value[:1] == "{":
        raise ValueError(
            "write the name of an environment variable, or keyring:service/user; "
            "never the secret itself"
        )
    return value


SecretName = Annotated[str, AfterValidator(_secret_name)]


def secret(name: str) -> str:
    """The value of a secret that the configuration names. Errors: UserError, without the value."""
    if name.startswith(_KEYRING):
        return _of_keyring(*name.removeprefix(_KEYRING).rsplit("/", 1))
    variable = name.removeprefix("env:")
    value = os.environ.get(variable)
    if not value:
        raise UserError(
            f"the configuration wants the environment variable {variable}; it is not set"
        )
    return value


def missing_secrets(names: Iterable[str]) -> dict[str, str]:
    """Which of them cannot be read, and why."""
    missing = {}
    for name in names:
        try:
            secret(name)
        except UserError as error:
            missing[name] = str(error)
    return missing


def _of_keyring(service: str, user: str) -> str:
    import keyring  # only for those who keep secrets there
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"the keyring entry {service}/{user} cannot be read: {said}") from None
    if not value:
        raise UserError(
            f"the configuration wants the keyring entry {service}/{user}; it is not there; "
            f"store it with: keyring set {service} {user}"
        )
    return value
