"""The SQL tables of what happens after matching: changes, cases, write-offs, signatures, audit.

Part of the one METADATA of `schema`; `recon.io.guards` says what may never be edited in them.
"""

from typing import Any, Final

import sqlalchemy as sa

from recon.control_tables import CLEARED_ITEM, RUN_CHANGE, WRITE_OFF
from recon.io import guards
from recon.io.schema import METADATA, ExactDecimal, Instant, columns_of, reference
from recon.tables import ROLL_FORWARD


def _text(name: str, *, key: bool = False, required: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=not (key or required))


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), primary_key=True, autoincrement=False)


ROLL_FORWARDS: Final = sa.Table(
    "roll_forward",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(ROLL_FORWARD, key=("side", "currency")),
)

CLEARED_ITEMS: Final = sa.Table(
    "cleared_item",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(CLEARED_ITEM, key=("side", "item_id")),
    sa.Index(None, "item_id"),
)

# One row each time a run superseded another, then what it found otherwise.
RUN_CHANGES: Final = sa.Table(
    "run_change",
    METADATA,
    _number("change_id"),
    _text("provider"),
    _text("account"),
    sa.Column("business_date", sa.Date(), nullable=False),
    reference("run_id", "run.run_id"),
    reference("supersedes", "run.run_id"),
    sa.Column("recorded_at", Instant(), nullable=False),
    sa.Index(None, "provider", "account", "business_date"),
)

RUN_CHANGE_ROWS: Final = sa.Table(
    "run_change_row",
    METADATA,
    reference("change_id", "run_change.change_id", key=True, of=sa.BigInteger()),
    *columns_of(RUN_CHANGE, key=("discrepancy_id",), required=("change",)),
)

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    _number("seq"),
    _text("at"),  # text, because every byte of it is hashed
    _text("actor"),
    _text("event"),
    _text("subject"),
    _text("detail"),
    _text("before_hash"),
    _text("after_hash"),
    _text("previous_hash"),
    _text("hash"),
    sa.Index(None, "subject"),
)

CASES: Final = sa.Table(
    "discrepancy_case",
    METADATA,
    _number("case_id"),
    _text("provider"),
    _text("account"),
    _text("discrepancy_id"),
    _text("item_id"),  # the row the discrepancy is about, which may still be carried
    _text("type"),
    sa.Column("business_date", sa.Date(), nullable=False),
    _text("merchant_ref", required=False),
    _text("currency", required=False),
    sa.Column("difference", ExactDecimal(), nullable=False),
    _text("state"),
    _text("assignee", required=False),
    _text("reason_code", required=False),
    sa.Column("opened_at", Instant(), nullable=False),
    sa.Column("cleared_on", sa.Date()),
    _text("cleared_by", required=False),
    sa.Index(
        "ux_discrepancy_case_discrepancy", "provider", "account", "discrepancy_id", unique=True
    ),
    sa.Index(None, "item_id"),
)

CASE_CHANGES: Final = sa.Table(
    "case_change",
    METADATA,
    reference("seq", "audit.seq", key=True, of=sa.BigInteger()),
    reference("case_id", "discrepancy_case.case_id", key=True, of=sa.BigInteger()),
    _text("from_state"),
    _text("to_state"),
    sa.Index(None, "case_id"),
)

ATTACHMENTS: Final = sa.Table(
    "attachment",
    METADATA,
    reference("case_id", "discrepancy_case.case_id", key=True, of=sa.BigInteger()),
    _text("sha256", key=True),
    _text("name"),
    sa.Column("size", sa.BigInteger(), nullable=False),
    _text("added_by"),
    sa.Column("added_at", Instant(), nullable=False),
)

_PROPOSAL: Final = tuple(
    name for name in WRITE_OFF if name not in ("approved_by", "approved_at", "effective_on")
)
WRITE_OFFS: Final = sa.Table(
    "write_off",
    METADATA,
    _number("write_off_id"),
    *columns_of(WRITE_OFF, required=_PROPOSAL),
    _text("rejected_by", required=False),
    sa.Column("rejected_at", Instant()),
    sa.ForeignKeyConstraint(["case_id"], ["discrepancy_case.case_id"], name="fk_write_off_case_id"),
    # Two people, whatever program writes here.
    sa.CheckConstraint(
        "approved_by IS NULL OR lower(trim(approved_by)) <> lower(trim(proposed_by))",
        name="ck_write_off_two_people",
    ),
    sa.CheckConstraint(
        "approved_by IS NULL OR (rejected_by IS NULL AND effective_on IS NOT NULL)",
        name="ck_write_off_one_decision",
    ),
    sa.Index(None, "provider", "account"),
    sa.Index(None, "case_id"),
)

SIGN_OFFS: Final = sa.Table(
    "sign_off",
    METADATA,
    _number("sign_off_id"),
    _text("provider"),
    _text("account"),
    sa.Column("business_date", sa.Date(), nullable=False),
    reference("run_id", "run.run_id"),
    _text("reports"),  # JSON: file name and sha256
    _text("note"),
    sa.Column("audit_seq", sa.BigInteger(), nullable=False),
    _text("audit_hash"),
    _text("prepared_by"),
    sa.Column("prepared_at", Instant(), nullable=False),
    _text("reviewed_by", required=False),
    sa.Column("reviewed_at", Instant()),
    _text("reopened_by", required=False),
    sa.Column("reopened_at", Instant()),
    _text("reopen_reason", required=False),
    sa.CheckConstraint(
        "reviewed_by IS NULL OR lower(trim(reviewed_by)) <> lower(trim(prepared_by))",
        name="ck_sign_off_two_people",
    ),
)
sa.Index(
    "ux_sign_off_current",
    *(SIGN_OFFS.c[name] for name in ("provider", "account", "business_date")),
    unique=True,
    sqlite_where=SIGN_OFFS.c.reopened_at.is_(None),
    postgresql_where=SIGN_OFFS.c.reopened_at.is_(None),
)


@sa.event.listens_for(METADATA, "after_create")
def _guarded(_metadata: sa.MetaData, connection: sa.Connection, **_options: Any) -> None:
    guards.install(connection)
