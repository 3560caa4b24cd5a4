"""The lock on signed-off days: everything of an account up to its last signed day is closed.

A day that is signed rests on those before it, so a change to any of them would change what was
signed.
"""

from dataclasses import dataclass
from datetime import date
from shlex import quote

import sqlalchemy as sa

from recon.errors import ClosedError
from recon.io.control_schema import SIGN_OFFS


@dataclass(frozen=True)
class Closed:
    """The last signed day of an account, and who has signed it."""

    until: date
    prepared_by: str
    reviewed_by: str | None

    def said(self) -> str:
        """Up to when, and by whom, as part of a sentence."""
        reviewer = f" and {self.reviewed_by}" if self.reviewed_by else ", not reviewed yet"
        return f"signed off up to {self.until} by {self.prepared_by}{reviewer}"


def closed(
    connection: sa.Connection, provider: str, account: str, day: date = date.min
) -> Closed | None:
    """What closes a day of an account, and all before it; by default any. None: nothing does."""
    row = connection.execute(
        sa.select(SIGN_OFFS)
        .where(
            SIGN_OFFS.c.provider == provider,
            SIGN_OFFS.c.account == account,
            SIGN_OFFS.c.business_date >= day,
            SIGN_OFFS.c.reopened_at.is_(None),
        )
        .order_by(SIGN_OFFS.c.business_date.desc())
        .limit(1)
    ).first()
    return None if row is None else Closed(row.business_date, row.prepared_by, row.reviewed_by)


def closed_accounts(connection: sa.Connection) -> dict[tuple[str, str], Closed]:
    """What is closed of every account that has a signed day."""
    row = SIGN_OFFS.c
    whose = sa.select(row.provider, row.account).where(row.reopened_at.is_(None)).distinct()
    found = {(name, number): closed(connection, name, number)
             for name, number in connection.execute(whose).all()}  # fmt: skip
    return {key: lock for key, lock in found.items() if lock is not None}


def refuse_if_closed(
    connection: sa.Connection, provider: str, account: str, day: date, why: str
) -> None:
    """Before another run of a day than its current one. Errors: ClosedError when the day is closed;
    `why` is part of its sentence."""
    lock = closed(connection, provider, account, day)
    if lock is not None:
        raise ClosedError(
            f"the day is closed ({lock.said()}) and {why}; its result stands; to run it again: "
            f"{how_to_reopen(day, account)}"
        )


def how_to_reopen(day: date, account: str) -> str:
    return f'recon reopen --date {day} --account {quote(account)} --reason "..."'
