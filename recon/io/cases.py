"""What people do with cases: each deed is one transaction, in the audit trail too."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.control.cases import REASON_CODES, after
from recon.errors import UserError
from recon.io import audit, evidence
from recon.io.audit import AuditRecord
from recon.io.case_sync import insert_write_off, latest_finding
from recon.io.control_schema import ATTACHMENTS, AUDIT, CASE_CHANGES, CASES, WRITE_OFFS
from recon.io.database import read_frame
from recon.io.days import Workspace
from recon.io.inbox import safe_name
from recon.io.schema import RUNS, current_runs_of
from recon.money import MONEY
from recon.tables import INSTANT, Schema

CASE: Final[Schema] = {
    "case_id": pl.Int64(),
    "state": pl.String(),
    "assignee": pl.String(),
    "type": pl.String(),
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
    "currency": pl.String(),
    "difference": MONEY,
    "merchant_ref": pl.String(),
    "reason_code": pl.String(),
    "cleared_on": pl.Date(),
    "cleared_by": pl.String(),
    "discrepancy_id": pl.String(),
    "opened_at": INSTANT,
}


class Cases:
    """The cases of a workspace, in the name of the person who works with it."""

    def __init__(self, workspace: Workspace) -> None:
        self._database = workspace.database
        self._actor = workspace.actor
        self._attachments = workspace.root / "attachments"
        self._audit_head = workspace.audit_head

    def listed(
        self,
        states: list[str],
        provider: list[str] | None = None,
        account: list[str] | None = None,
        assignee: str | None = None,
    ) -> pl.DataFrame:
        """The cases in some states, by number."""
        case = CASES.c
        select = sa.select(*(case[name] for name in CASE)).where(case.state.in_(states))
        for column, chosen in ((case.provider, provider), (case.account, account)):
            if chosen:
                select = select.where(column.in_(chosen))
        if assignee is not None:
            select = select.where(case.assignee == assignee)
        return read_frame(self._database, select, CASE).sort("case_id")

    def history(self, case_id: int) -> tuple[dict[str, Any], list[AuditRecord], list[Path]]:
        """A case with what is told of its discrepancy, what happened to it, and its attachments.
        Errors: UserError."""
        with self._database.connect() as connection:
            case = _case(connection, case_id)
            finding = latest_finding(connection, case, ("explanation", "suggested_action"))
            case |= {} if finding is None else finding._asdict()
            rows = connection.execute(
                sa.select(AUDIT)
                .where(
                    sa.or_(
                        AUDIT.c.subject == f"case:{case_id}",
                        AUDIT.c.seq.in_(
                            sa.select(CASE_CHANGES.c.seq).where(CASE_CHANGES.c.case_id == case_id)
                        ),
                    )
                )
                .order_by(AUDIT.c.seq)
            ).mappings()
            told = [AuditRecord(**row) for row in rows]
            kept = connection.execute(
                sa.select(ATTACHMENTS).where(ATTACHMENTS.c.case_id == case_id)
            ).all()
        files = [self._place(row.sha256, row.name) for row in kept]
        return case, told, files

    def assign(self, case_id: int, assignee: str) -> None:
        name = _filled("the name of a person", assignee)
        self._do("assign", case_id, {"assignee": name}, assignee=name)

    def comment(self, case_id: int, text: str) -> None:
        self._do("comment", case_id, {}, text=_filled("a comment", text))

    def resolve(self, case_id: int, reason_code: str, comment: str) -> None:
        """Errors: UserError for an unknown reason code, or `other` without a comment."""
        if reason_code not in REASON_CODES:
            valid = ", ".join(REASON_CODES)
            raise UserError(f"no reason code {reason_code!r}; valid: {valid}")
        if reason_code == "other" and not comment.strip():
            raise UserError("reason code other needs --comment TEXT")
        self._do("resolve", case_id, {"reason_code": reason_code}, reason_code=reason_code,
                 comment=comment)  # fmt: skip

    def attach(self, case_id: int, file: Path) -> str:
        """Keep a file with a case, by the sha256 of its bytes; answers it."""
        try:
            with file.open("rb") as source:
                digest = hashlib.file_digest(source, "sha256").hexdigest()
            size = file.stat().st_size
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror}") from None
        name = safe_name(file.name)
        evidence.keep(file, self._place(digest, name), digest=digest, size=size)

        def keep(connection: sa.Connection, case: Mapping[str, Any], now: datetime) -> None:
            same = (ATTACHMENTS.c.case_id == case_id, ATTACHMENTS.c.sha256 == digest)
            if connection.execute(sa.select(ATTACHMENTS).where(*same)).first() is not None:
                raise UserError(f"{name} is with case {case_id} already")
            values = {"case_id": case_id, "sha256": digest, "name": name, "size": size}
            who = {"added_by": self._actor, "added_at": now}
            connection.execute(sa.insert(ATTACHMENTS).values(values | who))

        self._do("attach", case_id, {}, keep, name=name, sha256=digest)
        return digest

    def propose_write_off(self, case_id: int, booking_account: str, reason: str) -> None:
        """Propose to give up the difference. Errors: UserError for a case without an amount, and
        where account or reason are not said."""
        _filled("--booking-account", booking_account)
        _filled("--reason", reason)

        def propose(connection: sa.Connection, case: Mapping[str, Any], now: datetime) -> None:
            if case["currency"] is None or not case["difference"]:
                raise UserError(f"case {case_id} is about no amount: resolve it instead")
            insert_write_off(connection, case, booking_account=booking_account,
                             reason_code=reason, proposed_by=self._actor, now=now)  # fmt: skip

        self._do("propose write-off", case_id, {}, propose, booking_account=booking_account,
                 reason=reason)  # fmt: skip

    def approve(self, *case_ids: int) -> list[date]:
        """Approve what other people have proposed, all of it or nothing; answers, for each, the
        business date from which on its items are not carried. Errors: UserError for one's own
        proposal."""
        effective: list[date] = []

        def approve(connection: sa.Connection, case: Mapping[str, Any], now: datetime) -> None:
            pending = _pending(connection, case["case_id"])
            proposer = pending["proposed_by"]
            if proposer.casefold() == self._actor.casefold():
                raise UserError(
                    f"case {case['case_id']}: {proposer} has proposed this write-off; another "
                    "person must approve it (--as NAME)"
                )
            day = _next_day(connection, case)
            decision = {"approved_by": self._actor, "approved_at": now, "effective_on": day}
            _decide(connection, pending, decision)
            effective.append(day)

        with self._together() as connection:
            for case_id in case_ids:
                self._take(connection, "approve write-off", case_id, {}, approve)
        return effective

    def reopen(self, case_id: int, reason: str) -> None:
        """Take back that a case is resolved. Errors: UserError for one that is not."""
        said = _filled("--reason", reason)
        self._do("reopen", case_id, {"reason_code": None}, reason=said)

    def reject(self, case_id: int, reason: str) -> None:
        _filled("--reason", reason)

        def reject(connection: sa.Connection, case: Mapping[str, Any], now: datetime) -> None:
            decision = {"rejected_by": self._actor, "rejected_at": now}
            _decide(connection, _pending(connection, case_id), decision)

        self._do("reject write-off", case_id, {}, reject, reason=reason)

    def _do(
        self, event: str, case_id: int, values: Mapping[str, Any], also: "_Also | None" = None,
        **detail: Any,
    ) -> None:  # fmt: skip
        with self._together() as connection:
            self._take(connection, event, case_id, values, also, **detail)

    @contextmanager
    def _together(self) -> Iterator[sa.Connection]:
        """All steps or none; the end of the trail is remembered after them."""
        with self._database.begin() as connection:
            yield connection
        audit.keep_head(self._database, self._audit_head)

    def _take(
        self,
        connection: sa.Connection,
        event: str,
        case_id: int,
        values: Mapping[str, Any],
        also: "_Also | None" = None,
        **detail: Any,
    ) -> None:
        """One step of a case, with what else belongs to it and its row in the trail."""
        now = datetime.now(UTC)
        case = _case(connection, case_id)
        state = after(event, case["state"], case_id)
        if also is not None:
            also(connection, case, now)
        changed = {"state": state, **values}
        this = CASES.c.case_id == case_id
        connection.execute(sa.update(CASES).where(this).values(changed))
        seq = audit.append(
            connection,
            actor=self._actor,
            event=event,
            subject=f"case:{case_id}",
            now=now,
            before=_digest(case),
            after=_digest({**case, **changed}),
            discrepancy_id=case["discrepancy_id"],
            difference=case["difference"],
            currency=case["currency"],
            **detail,
        )
        moved = {"from_state": case["state"], "to_state": state}
        row = {"seq": seq, "case_id": case_id, **moved}
        connection.execute(sa.insert(CASE_CHANGES).values(row))

    def _place(self, sha256: str, name: str) -> Path:
        return self._attachments / sha256[:2] / f"{sha256}{Path(name).suffix[:10]}"


_Also = Callable[[sa.Connection, Mapping[str, Any], datetime], None]


def _filled(what: str, text: str) -> str:
    if not text.strip():
        raise UserError(f"{what} is empty: it says nothing")
    return text.strip()


def _case(connection: sa.Connection, case_id: int) -> dict[str, Any]:
    select = sa.select(CASES).where(CASES.c.case_id == case_id)
    is_number = 0 < case_id < 2**31  # no database takes any number for one of its own
    row = connection.execute(select).mappings().first() if is_number else None
    if row is None:
        raise UserError(f"no case {case_id}; recon cases list shows those there are")
    return dict(row)


def _pending(connection: sa.Connection, case_id: int) -> dict[str, Any]:
    row = WRITE_OFFS.c
    select = sa.select(WRITE_OFFS).where(
        row.case_id == case_id, row.approved_by.is_(None), row.rejected_by.is_(None)
    )
    return dict(connection.execute(select).mappings().one())


def _decide(
    connection: sa.Connection, pending: Mapping[str, Any], decision: Mapping[str, Any]
) -> None:
    this = WRITE_OFFS.c.write_off_id == pending["write_off_id"]
    connection.execute(sa.update(WRITE_OFFS).where(this).values(decision))


def _next_day(connection: sa.Connection, case: Mapping[str, Any]) -> date:
    """The day after the last one that was run: what is recorded, or signed, stays as it is."""
    last = sa.select(sa.func.max(RUNS.c.business_date)).where(
        *current_runs_of(case["provider"], case["account"]),
    )
    day: date = connection.execute(last).scalar_one()
    return day + timedelta(days=1)


def _digest(case: Mapping[str, Any]) -> str:
    text = "|".join(f"{name}={case[name]}" for name in sorted(case))
    return hashlib.sha256(text.encode()).hexdigest()
