"""The first tables. Written out: a revision must not change when the code's tables do."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from recon.io.schema import ExactDecimal, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# One column a line: name, type, "!" for NOT NULL.
TABLES = {
    "ledger_import": """
        import_id integer !
        name text !
        sha256 text !
        imported_at instant !
        inserted_count bigint !
        unchanged_count bigint !
        changed_count bigint !
        rejected_count bigint !
    """,
    "run": """
        run_id text !
        provider text !
        account text !
        business_date date !
        started_at instant !
        finished_at instant !
        proved boolean !
        not_proved_because text !
        file_ids text !
        summary text !
        superseded_by text
        superseded_at instant
    """,
    "statement_file": """
        file_id text !
        provider text !
        account text !
        kind text !
        business_date date !
        part integer !
        name text !
        size bigint !
        received_at instant !
        version integer !
        superseded_by text
    """,
    "discrepancy": """
        run_id text !
        discrepancy_id text !
        type text !
        provider text !
        account text !
        business_date date
        currency text
        amount_ledger money
        amount_provider money
        difference money
        merchant_ref text
        txn_id text
        line_ids text
        entry_ids text
        rule text
        mismatched_fields text
        explanation text
        suggested_action text
        first_seen_on date
        age_days bigint
        severity text
    """,
    "ledger_entry": """
        entry_id text !
        provider text !
        account text !
        merchant_id text
        business_date date !
        booked_at instant
        kind text !
        merchant_ref text
        txn_id text
        parent_ref text
        payment_method text
        currency text !
        amount money !
        status text
        memo text
        import_id integer !
    """,
    "ledger_entry_version": """
        entry_id text !
        provider text !
        account text !
        merchant_id text
        business_date date !
        booked_at instant
        kind text !
        merchant_ref text
        txn_id text
        parent_ref text
        payment_method text
        currency text !
        amount money !
        status text
        memo text
        import_id integer !
        replaced_by integer !
        replaced_at instant !
    """,
    "open_item": """
        run_id text !
        side text !
        item_id text !
        kind text
        business_date date
        due_on date
        txn_id text
        merchant_ref text
        parent_txn_id text
        parent_ref text
        payment_method text
        currency text
        amount money
        status text
        state text
    """,
    "settlement_batch": """
        run_id text !
        provider text !
        account text !
        batch_id text
        currency text
        settlement_date date
        payment_count bigint
        refund_count bigint
        other_count bigint
        gross money
        refunds money
        chargebacks money
        fees money
        withdrawals money
        withdrawal_charges money
        adjustments money
        reserve money
        net money
        opening_balance money
        closing_balance money
        expected_payout money
        provider_payout money
        bank_credit money
        proof money
        proof_basis text
    """,
}

KEYS = {
    "ledger_import": "import_id",
    "run": "run_id",
    "statement_file": "file_id provider account kind business_date part",
    "discrepancy": "run_id discrepancy_id",
    "ledger_entry": "entry_id",
    "ledger_entry_version": "entry_id replaced_by",
    "open_item": "run_id side item_id",
}

REFERENCES = {
    "run": {"superseded_by": "run.run_id"},
    "discrepancy": {"run_id": "run.run_id"},
    "ledger_entry": {"import_id": "ledger_import.import_id"},
    "ledger_entry_version": {
        "import_id": "ledger_import.import_id",
        "replaced_by": "ledger_import.import_id",
    },
    "open_item": {"run_id": "run.run_id"},
    "settlement_batch": {"run_id": "run.run_id"},
}

TYPES: dict[str, TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "instant": Instant(),
    "integer": sa.Integer(),
    "money": ExactDecimal(),
    "text": sa.Text(),
}


def upgrade() -> None:
    for table in TABLES:
        _create(table)
    _index("ledger_entry", "provider", "account", "business_date")
    _index("settlement_batch", "run_id")
    _current("statement_file", "provider", "account", "business_date", "kind", "part")
    _current("run", "provider", "account", "business_date")


def _create(table: str) -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column(
            words[0],
            TYPES[words[1]],
            nullable=words[-1] != "!",
            autoincrement="auto" if words[0] == "import_id" else False,
        )
        for words in map(str.split, TABLES[table].strip().splitlines())
    ]
    constraints: list[sa.Constraint] = [
        sa.ForeignKeyConstraint(
            [column], [target], f"fk_{table}_{column}", deferrable=True, initially="DEFERRED"
        )
        for column, target in REFERENCES.get(table, {}).items()
    ]
    if table in KEYS:
        constraints.append(sa.PrimaryKeyConstraint(*KEYS[table].split(), name=f"pk_{table}"))
    op.create_table(table, *columns, *constraints)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _current(table: str, *columns: str) -> None:
    """At most one row that is not superseded for the same place."""
    only = sa.text("superseded_by IS NULL")
    op.create_index(
        f"ux_{table}_current",
        table,
        list(columns),
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )
