"""The three ways a run can fail, each with its exit code, and the check that survives `-O`."""


class ReconError(Exception):
    """An expected failure: printed as one line, never as a traceback.

    By itself it is one of the world, such as a full disk or a database that does not answer.
    Nothing is proved then; 1 is kept for our own bugs.
    """

    exit_code = 3


class UserError(ReconError):
    """The user's mistake (arguments, configuration, a wrong file). The message says the fix."""

    exit_code = 2


class StatementError(UserError):
    """A whole statement that cannot be trusted: wrong provider, wrong encoding, no header."""


class ClosedError(UserError):
    """The day is signed off, and what was asked would change it. Its result stands."""


class NotProvedError(ReconError):
    """The run could not prove the day: a file is missing, or one was refused."""


class BrokenInvariantError(AssertionError):
    """Our own bug: rows or money went missing between two stages."""


def ensure(condition: bool, message: str) -> None:
    """Raise when an invariant does not hold; unlike `assert` it cannot be switched off."""
    if not condition:
        raise BrokenInvariantError(message)
