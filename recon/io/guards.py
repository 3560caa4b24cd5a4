"""Triggers that refuse what the program never does: editing what is kept as evidence.

They belong to revision 0010 and are made with the tables, on both databases. What somebody with the
right to drop a trigger does all the same, `recon audit verify` shows.
"""

from typing import Final

import sqlalchemy as sa

_AUDIT: Final = "the audit trail is append-only"
_CASE_CHANGE: Final = "what happened to a case is never changed"
_WRITE_OFF: Final = "a proposed write-off is never changed, only approved or rejected once"
_SIGN_OFF: Final = "a signature is never changed; reopen the day instead"

# (table, what is refused, when, message). `when` is SQL about OLD and NEW; none: always.
_GUARDS: Final = (
    ("audit", "UPDATE", "", _AUDIT),
    ("audit", "DELETE", "", _AUDIT),
    ("case_change", "UPDATE", "", _CASE_CHANGE),
    ("case_change", "DELETE", "", _CASE_CHANGE),
    (
        "write_off",
        "UPDATE",
        "OLD.proposed_by <> NEW.proposed_by OR OLD.amount <> NEW.amount "
        "OR OLD.currency <> NEW.currency OR OLD.case_id <> NEW.case_id "
        "OR OLD.booking_account <> NEW.booking_account OR OLD.item_ids <> NEW.item_ids "
        "OR OLD.approved_by IS NOT NULL OR OLD.rejected_by IS NOT NULL",
        _WRITE_OFF,
    ),
    ("write_off", "DELETE", "", _WRITE_OFF),
    (
        "sign_off",
        "UPDATE",
        "OLD.prepared_by <> NEW.prepared_by OR OLD.run_id <> NEW.run_id "
        "OR OLD.reports <> NEW.reports OR OLD.business_date <> NEW.business_date "
        "OR (OLD.reviewed_by IS NOT NULL AND (NEW.reviewed_by IS NULL "
        "OR NEW.reviewed_by <> OLD.reviewed_by)) OR OLD.reopened_by IS NOT NULL",
        _SIGN_OFF,
    ),
    ("sign_off", "DELETE", "", _SIGN_OFF),
)


def install(connection: sa.Connection) -> None:
    """Make the triggers; their tables are there."""
    make = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    for table, event, when, message in _GUARDS:
        for statement in make(table, event, when, message):
            connection.exec_driver_sql(statement)


def _sqlite(table: str, event: str, when: str, message: str) -> list[str]:
    condition = f" WHEN {when}" if when else ""
    return [
        f"CREATE TRIGGER guard_{table}_{event.lower()} BEFORE {event} ON {table} FOR EACH ROW"
        f"{condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    ]


def _postgresql(table: str, event: str, when: str, message: str) -> list[str]:
    name = f"guard_{table}_{event.lower()}"
    condition = f" WHEN ({when})" if when else ""
    statements = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{condition} "
        f"EXECUTE FUNCTION {name}()",
    ]
    if event == "DELETE":
        statements.append(
            f"CREATE TRIGGER guard_{table}_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    return statements
