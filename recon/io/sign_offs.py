"""Signatures on days: who prepared, who reviewed, on which run and which reports, byte by byte."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.errors import NotProvedError, UserError
from recon.io import audit
from recon.io.closing import how_to_reopen
from recon.io.control_schema import SIGN_OFFS
from recon.io.database import of_accounts, read_frame
from recon.io.days import Workspace
from recon.io.runs import RunRecord, RunStore
from recon.io.standing import standing_runs
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import INSTANT, Schema

SIGN_OFF: Final[Schema] = {
    "business_date": pl.Date(),
    "provider": pl.String(),
    "account": pl.String(),
    "run_id": pl.String(),
    "prepared_by": pl.String(),
    "prepared_at": INSTANT,
    "reviewed_by": pl.String(),
    "reviewed_at": INSTANT,
    "note": pl.String(),
    "reopened_by": pl.String(),
    "reopened_at": INSTANT,
    "reopen_reason": pl.String(),
}


def prepare(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period, note: str
) -> int:
    """Sign days as their preparer; from then on they are closed. Answers how many.

    Errors, and nothing is signed: NotProvedError for a day that was not run, is stale, whose
    reports are not those of its run, or that is not proved and has no note; UserError for one that
    is signed already.
    """
    ready = [one for account in accounts for one in _ready(workspace, account, period, note)]
    now, runs = datetime.now(UTC), RunStore(workspace.database)
    with workspace.database.begin() as connection:
        for run, reports in ready:
            day = (run.provider, run.account, run.business_date)
            if _active(connection, *day) is not None:
                raise UserError(f"{' '.join(map(str, day))} is signed already")
            if runs.previous(*day) != run:  # while its reports were read
                raise NotProvedError(f"{' '.join(map(str, day))} was run again just now; look at it"
                                     ", then sign it")  # fmt: skip
            seq, digest = audit.head(connection)
            newest = sa.select(sa.func.coalesce(sa.func.max(SIGN_OFFS.c.sign_off_id), 0))
            values = {
                "sign_off_id": int(connection.execute(newest).scalar_one()) + 1,
                "provider": run.provider,
                "account": run.account,
                "business_date": run.business_date,
                "run_id": run.run_id,
                "reports": json.dumps(reports, sort_keys=True),
                "note": note,
                "audit_seq": seq,
                "audit_hash": digest,
                "prepared_by": workspace.actor,
                "prepared_at": now,
            }
            connection.execute(sa.insert(SIGN_OFFS).values(values))
            audit.append(connection, actor=workspace.actor, event="sign off",
                         subject=subject(day), now=now, after=run.run_id, note=note,
                         reports=reports)  # fmt: skip
    audit.keep_head(workspace.database, workspace.audit_head)
    return len(ready)


def review(workspace: Workspace, accounts: Sequence[AccountSettings], period: Period) -> int:
    """Sign days as their reviewer. Errors, and nothing is signed: UserError for a day without its
    preparer's signature, for the preparer, and for reports that are not those that were signed."""
    changed = differences(workspace, accounts, period)
    if changed:
        raise UserError("\n".join(changed))
    now, signed = datetime.now(UTC), 0
    with workspace.database.begin() as connection:
        for account in accounts:
            for date_ in period:
                day = (account.provider, account.account, date_)
                row = _active(connection, *day)
                if row is None:
                    raise UserError(f"{' '.join(map(str, day))} is not signed by its preparer yet")
                if row.reviewed_by is not None:
                    raise UserError(f"{' '.join(map(str, day))} is reviewed already")
                if row.prepared_by.casefold() == workspace.actor.casefold():
                    raise UserError(
                        f"{' '.join(map(str, day))}: {row.prepared_by} has prepared it; another "
                        "person must review it (--as NAME)"
                    )
                this = SIGN_OFFS.c.sign_off_id == row.sign_off_id
                values = {"reviewed_by": workspace.actor, "reviewed_at": now}
                connection.execute(sa.update(SIGN_OFFS).where(this).values(values))
                audit.append(connection, actor=workspace.actor, event="review",
                             subject=subject(day), now=now, after=row.run_id)  # fmt: skip
                signed += 1
    audit.keep_head(workspace.database, workspace.audit_head)
    return signed


def reopen(
    workspace: Workspace, accounts: Sequence[AccountSettings], day: date, reason: str
) -> list[tuple[str, str, date]]:
    """Take back the signatures of a day and of all later ones, which rest on it; answers which.

    Errors: UserError without a reason, or when none of them is signed.
    """
    if not reason.strip():
        raise UserError('say why the day is reopened: --reason "..."')
    now = datetime.now(UTC)
    reopened = []
    with workspace.database.begin() as connection:
        for account in accounts:
            row = SIGN_OFFS.c
            signed = connection.execute(
                sa.select(SIGN_OFFS)
                .where(
                    row.provider == account.provider,
                    row.account == account.account,
                    row.business_date >= day,
                    row.reopened_at.is_(None),
                )
                .order_by(row.business_date)
            ).all()
            for one in signed:
                values = {
                    "reopened_by": workspace.actor,
                    "reopened_at": now,
                    "reopen_reason": reason,
                }
                this = row.sign_off_id == one.sign_off_id
                connection.execute(sa.update(SIGN_OFFS).where(this).values(values))
                place = (one.provider, one.account, one.business_date)
                audit.append(connection, actor=workspace.actor, event="reopen",
                             subject=subject(place), now=now, before=one.run_id,
                             reason=reason)  # fmt: skip
                reopened.append(place)
        if not reopened:
            raise UserError(f"nothing is signed on {day} or later")
    audit.keep_head(workspace.database, workspace.audit_head)
    return reopened


def signatures(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period | None
) -> pl.DataFrame:
    """SIGN_OFF, those that were taken back too, by day and account."""
    select = sa.select(*(SIGN_OFFS.c[name] for name in SIGN_OFF))
    if period is not None:
        inside = SIGN_OFFS.c.business_date.between(period.first, period.last)
        select = select.where(inside)
    frame = read_frame(workspace.database, select, SIGN_OFF)
    order = ("business_date", "provider", "account", "prepared_at")
    return of_accounts(frame, accounts).sort(*order)


def differences(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period | None
) -> list[str]:
    """What of signed days is not as it was signed, as sentences that name the file."""
    said, runs = list[str](), RunStore(workspace.database)
    by_account = {(account.provider, account.account): account for account in accounts}
    with workspace.database.connect() as connection:
        rows = connection.execute(
            sa.select(SIGN_OFFS)
            .where(SIGN_OFFS.c.reopened_at.is_(None))
            .order_by(SIGN_OFFS.c.business_date, SIGN_OFFS.c.provider, SIGN_OFFS.c.account)
        ).all()
    for row in rows:
        account = by_account.get((row.provider, row.account))
        if account is None or (period is not None and row.business_date not in period):
            continue
        day = f"{row.provider} {row.account} {row.business_date}"
        current = runs.previous(row.provider, row.account, row.business_date)
        if current is None or current.run_id != row.run_id:
            said.append(f"{day}: another run than the signed {row.run_id} is current")
        folder = workspace.report_directory(account.provider, account.account, row.business_date)
        said += _changed_files(day, folder, json.loads(row.reports))
        said += _newer_statements(workspace, account, row.business_date, day, current)
    return said


def _ready(
    workspace: Workspace, account: AccountSettings, period: Period, note: str
) -> Iterator[tuple[RunRecord, dict[str, str]]]:
    """The runs that can be signed, with the digests of their reports."""
    how = None if note else 'to sign it all the same, say why: --note "..."'
    for run, folder in standing_runs(workspace, account, period, unless_proved=how):
        yield run, _hashes(folder)


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _changed_files(day: str, folder: Path, signed: dict[str, str]) -> list[str]:
    there = _hashes(folder) if folder.is_dir() else {}
    said = []
    for name, digest in signed.items():
        if name not in there:
            said.append(f"{day}: {folder / name} is missing")
        elif there[name] != digest:
            said.append(f"{day}: {folder / name} is not the file that was signed")
    return said


def _newer_statements(
    workspace: Workspace, account: AccountSettings, date_: date, day: str, run: RunRecord | None
) -> list[str]:
    files = workspace.inbox.files_for(account.provider, account.account, date_)
    used = set() if run is None else set(run.file_ids)
    return [
        f"{day}: {file.name} (version {file.version}) has come since and is not used; to use it: "
        f"{how_to_reopen(date_, account.account)}"
        for file in files
        if file.kind in account.statements and file.file_id not in used
    ]


def _active(connection: sa.Connection, provider: str, account: str, day: date) -> Any:
    row = SIGN_OFFS.c
    return connection.execute(
        sa.select(SIGN_OFFS).where(
            row.provider == provider,
            row.account == account,
            row.business_date == day,
            row.reopened_at.is_(None),
        )
    ).first()


def subject(day: tuple[str, str, date]) -> str:
    """What the audit trail calls an account's day."""
    return f"day:{day[2]} {day[0]} {day[1]}"
