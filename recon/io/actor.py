"""Who acts: named in every audit row, in signatures and in decisions."""

import getpass
import os

from recon.errors import UserError


def actor_named(name: str | None = None) -> str:
    """The name given, else RECON_USER, else the user of the operating system.

    Errors: UserError for no name where one is given, and one that the program itself goes by.
    """
    if name is not None and not name.strip():
        raise UserError("--as is empty; say who you are with --as NAME")
    actor = " ".join((name or os.environ.get("RECON_USER") or _system_user()).split())
    if actor.casefold() in ("policy", "recon", ""):
        raise UserError(f"{actor!r} is no person; say who you are with --as NAME")
    return actor


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in a container
        return f"user {os.getuid()}"
