"""Secrets: the configuration names an environment variable, and only here is its value read."""

import os

from recon.errors import UserError


def environment(name: str) -> str:
    """The value of an environment variable that the configuration names. Errors: UserError."""
    value = os.environ.get(name)
    if not value:
        raise UserError(f"the configuration wants the environment variable {name}; it is not set")
    return value
