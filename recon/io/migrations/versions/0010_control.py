"""What happens after matching: changes, open items, cases, write-offs, signatures, audit trail."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from recon.io import guards
from recon.io.schema import ExactDecimal, Instant

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

# One column a line: name, type, "!" for NOT NULL.
TABLES = {
    "roll_forward": """
        run_id text !
        side text !
        currency text !
        opening_count bigint
        opening_amount money
        new_count bigint
        new_amount money
        cleared_count bigint
        cleared_amount money
        written_off_count bigint
        written_off_amount money
        closing_count bigint
        closing_amount money
    """,
    "cleared_item": """
        run_id text !
        side text !
        item_id text !
        kind text
        business_date date
        txn_id text
        merchant_ref text
        currency text
        amount money
        cleared_on date
        match_id text
        rule text
    """,
    "run_change": """
        change_id bigint !
        provider text !
        account text !
        business_date date !
        run_id text !
        supersedes text !
        recorded_at instant !
    """,
    "run_change_row": """
        change_id bigint !
        change text !
        discrepancy_id text !
        type text
        currency text
        difference_before money
        difference money
        explanation text
    """,
    "audit": """
        seq bigint !
        at text !
        actor text !
        event text !
        subject text !
        detail text !
        before_hash text !
        after_hash text !
        previous_hash text !
        hash text !
    """,
    "discrepancy_case": """
        case_id bigint !
        provider text !
        account text !
        discrepancy_id text !
        item_id text !
        type text !
        business_date date !
        merchant_ref text
        currency text
        difference money !
        state text !
        assignee text
        reason_code text
        opened_at instant !
        cleared_on date
        cleared_by text
    """,
    "case_change": """
        seq bigint !
        case_id bigint !
        from_state text !
        to_state text !
    """,
    "attachment": """
        case_id bigint !
        sha256 text !
        name text !
        size bigint !
        added_by text !
        added_at instant !
    """,
    "write_off": """
        write_off_id bigint !
        case_id bigint !
        provider text !
        account text !
        discrepancy_id text !
        type text !
        business_date date !
        currency text !
        amount money !
        booking_account text !
        reason_code text !
        item_ids text !
        proposed_by text !
        proposed_at instant !
        approved_by text
        approved_at instant
        effective_on date
        rejected_by text
        rejected_at instant
    """,
    "sign_off": """
        sign_off_id bigint !
        provider text !
        account text !
        business_date date !
        run_id text !
        reports text !
        note text !
        audit_seq bigint !
        audit_hash text !
        prepared_by text !
        prepared_at instant !
        reviewed_by text
        reviewed_at instant
        reopened_by text
        reopened_at instant
        reopen_reason text
    """,
}

KEYS = {
    "roll_forward": "run_id side currency",
    "cleared_item": "run_id side item_id",
    "run_change": "change_id",
    "run_change_row": "change_id discrepancy_id",
    "audit": "seq",
    "discrepancy_case": "case_id",
    "case_change": "seq case_id",
    "attachment": "case_id sha256",
    "write_off": "write_off_id",
    "sign_off": "sign_off_id",
}

# table.column -> target
REFERENCES = {
    "roll_forward.run_id": "run.run_id",
    "cleared_item.run_id": "run.run_id",
    "run_change.run_id": "run.run_id",
    "run_change.supersedes": "run.run_id",
    "run_change_row.change_id": "run_change.change_id",
    "case_change.seq": "audit.seq",
    "case_change.case_id": "discrepancy_case.case_id",
    "attachment.case_id": "discrepancy_case.case_id",
    "sign_off.run_id": "run.run_id",
}

CHECKS = {
    "ck_write_off_two_people": (
        "approved_by IS NULL OR lower(trim(approved_by)) <> lower(trim(proposed_by))"
    ),
    "ck_write_off_one_decision": (
        "approved_by IS NULL OR (rejected_by IS NULL AND effective_on IS NOT NULL)"
    ),
    "ck_sign_off_two_people": (
        "reviewed_by IS NULL OR lower(trim(reviewed_by)) <> lower(trim(prepared_by))"
    ),
}

INDEXES = (
    "discrepancy discrepancy_id",
    "cleared_item item_id",
    "run_change provider account business_date",
    "audit subject",
    "discrepancy_case item_id",
    "case_change case_id",
    "write_off provider account",
    "write_off case_id",
)

TYPES: dict[str, TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "date": sa.Date(),
    "instant": Instant(),
    "money": ExactDecimal(),
    "text": sa.Text(),
}


def upgrade() -> None:
    for name in ("inputs", "opening", "closing"):
        op.add_column("run", sa.Column(name, sa.Text()))
    for table in TABLES:
        _create(table)
    for index in INDEXES:
        table, *columns = index.split()
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    discrepancy = ["provider", "account", "discrepancy_id"]
    name = "ux_discrepancy_case_discrepancy"
    op.create_index(name, "discrepancy_case", discrepancy, unique=True)
    only = sa.text("reopened_at IS NULL")
    op.create_index(
        "ux_sign_off_current",
        "sign_off",
        ["provider", "account", "business_date"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )
    guards.install(op.get_bind())


def _create(table: str) -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column(words[0], TYPES[words[1]], nullable=words[-1] != "!", autoincrement=False)
        for words in map(str.split, TABLES[table].strip().splitlines())
    ]
    constraints: list[sa.Constraint] = [
        sa.ForeignKeyConstraint(
            [column], [target], f"fk_{table}_{column}", deferrable=True, initially="DEFERRED"
        )
        for owner, _, column, target in (
            (*place.partition("."), target) for place, target in REFERENCES.items()
        )
        if owner == table
    ]
    if table == "write_off":
        constraints.append(
            sa.ForeignKeyConstraint(
                ["case_id"], ["discrepancy_case.case_id"], "fk_write_off_case_id"
            )
        )
    constraints += [
        sa.CheckConstraint(text, name=name)
        for name, text in CHECKS.items()
        if name.startswith(f"ck_{table}_")
    ]
    key = sa.PrimaryKeyConstraint(*KEYS[table].split(), name=f"pk_{table}")
    op.create_table(table, *columns, *constraints, key)
