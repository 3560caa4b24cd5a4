"""An independent oracle: what must become of small days, worked out in SQL instead of in passes.

The oracle knows the shipped rules of payments and refunds in their plain words and nothing of the
engine: DuckDB relates every row to every other, keeps what is related to one row only, and starts
again with what is left, until nothing changes. Both must tell the same story.
"""

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.matching import engine
from recon.matching.items import ITEM
from recon.matching.rules import DateWindow, MatchRule
from tests.support import frame_of

DAY = date(2026, 11, 20)
RULES = (
    MatchRule("transaction", ("kind", "txn_id")),
    MatchRule("reference", ("kind", "merchant_ref")),
    MatchRule("parent", ("kind", "parent_ref", "currency", "amount"), frozenset({"refund"})),
)
IDS = st.sampled_from([None, "", "A", "B", "C", "D"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["payment", "refund"]),
            "txn_id": IDS,
            "merchant_ref": IDS,
            "parent_ref": IDS,
            "currency": st.sampled_from(["CNY", "CNY", "USD"]),
            "amount": st.sampled_from(["1.00", "2.00", "-1.00"]),
            "status": st.sampled_from([None, "succeeded", "failed"]),
            "business_date": st.sampled_from([DAY, date(2026, 11, 17)]),
        }
    ),
    max_size=7,
)
Rows = Sequence[dict[str, Any]]

# In what two rows of a pair may not differ, where both say it.
_DIFFERS = """
    l.amount <> e.amount OR l.currency <> e.currency
    OR coalesce(l.status <> e.status, false)
    OR coalesce(l.merchant_ref <> e.merchant_ref, false)
    OR coalesce(l.txn_id <> e.txn_id, false)
    OR abs(date_diff('day', l.business_date, e.business_date)) > 1
"""


_TYPES = {"amount": "DECIMAL(38, 18)"}


def side(name: str, rows: Rows) -> pl.DataFrame:
    return frame_of(
        ITEM, ({"item_id": f"{name}{n}", "reported": False} | row for n, row in enumerate(rows))
    )


def _condition(rule: MatchRule) -> str:
    equal = [f"l.{key} = e.{key} AND cast(l.{key} AS varchar) <> ''" for key in rule.keys]
    kinds = [] if rule.kinds is None else [f"l.kind IN ({', '.join(map(repr, rule.kinds))})"]
    return " AND ".join([*equal, *kinds])


def _key_of(rule: MatchRule, row: str) -> str:
    return f"concat_ws('|', {', '.join(f'{row}.{key}' for key in rule.keys)})"


def by_sql(lines: pl.DataFrame, entries: pl.DataFrame) -> set[tuple[str, ...]]:
    """What the rules say of the rows, as (outcome, ids...)."""
    columns = ["item_id", *dict.fromkeys(key for rule in RULES for key in rule.keys)]
    columns += ["status", "business_date"]
    base = duckdb.connect()
    for name, frame in (("lines", lines), ("entries", entries)):
        types = (
            "DATE" if column == "business_date" else _TYPES.get(column, "VARCHAR")
            for column in columns
        )
        described = ", ".join(map(" ".join, zip(columns, types, strict=True)))
        base.execute(f"CREATE TABLE {name} ({described})")
        if frame.height:
            gaps = ", ".join("?" * len(columns))
            base.executemany(f"INSERT INTO {name} VALUES ({gaps})", frame.select(columns).rows())
    told: set[tuple[str, ...]] = set()
    while found := next(filter(None, (_certain(base, rule) for rule in RULES)), None) or next(
        filter(None, (_disputed(base, rule) for rule in RULES)), None
    ):
        told |= found
        taken = sorted({name for _, *ids in found for name in ids})
        for name in ("lines", "entries"):
            base.execute(f"DELETE FROM {name} WHERE item_id IN (SELECT unnest(?))", [taken])
    left = base.execute("SELECT item_id FROM lines UNION ALL SELECT item_id FROM entries")
    return told | {("alone", name) for (name,) in left.fetchall()}


def _certain(base: duckdb.DuckDBPyConnection, rule: MatchRule) -> set[tuple[str, ...]]:
    """Pairs of rows that the rule relates to each other and to no other row of either side.

    A row whose keys another row of its own side has is related to that one, and so never certain.
    """
    rows = base.execute(
        f"""
        SELECT CASE WHEN {_DIFFERS} THEN 'differs' ELSE 'matched' END, l.item_id, e.item_id
        FROM lines l JOIN entries e ON {_condition(rule)}
        WHERE (SELECT count(*) FROM lines o WHERE {_condition(rule).replace("l.", "o.")}) = 1
          AND (SELECT count(*) FROM entries o WHERE {_condition(rule).replace("e.", "o.")}) = 1
        """
    )
    return set(rows.fetchall())


def _disputed(base: duckdb.DuckDBPyConnection, rule: MatchRule) -> set[tuple[str, ...]]:
    """Rows that share the keys of the rule, several on one side at least."""
    rows = base.execute(
        f"""
        SELECT list_sort(list_distinct(list(l.item_id) || list(e.item_id)))
        FROM lines l JOIN entries e ON {_condition(rule)} GROUP BY {_key_of(rule, "l")}
        """
    )
    return {("together", *ids) for (ids,) in rows.fetchall()}


def by_engine(lines: pl.DataFrame, entries: pl.DataFrame) -> set[tuple[str, ...]]:
    matched = engine.match(lines, entries, RULES, 1)
    names = {"line": lines["item_id"], "entry": entries["item_id"]}
    told: set[tuple[str, ...]] = {
        ("matched" if clean else "differs", names["line"][line_row], names["entry"][entry_row])
        for line_row, entry_row, _, clean in matched.pairs.iter_rows()
    }
    groups: dict[int, list[str]] = {}
    for number, name, row, *_ in matched.groups.iter_rows():
        groups.setdefault(number, []).append(names[name][row])
    told |= {("together", *sorted(ids)) for ids in groups.values()}
    left = [*matched.lines_left["item_id"], *matched.entries_left["item_id"]]
    return told | {("alone", name) for name in left}


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS)
def test_the_engine_and_sql_tell_the_same_story(lines: Rows, entries: Rows) -> None:
    both = side("L", lines), side("E", entries)
    assert by_engine(*both) == by_sql(*both)


AMOUNTS = st.lists(st.integers(1, 9), min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, AMOUNTS)
def test_every_set_that_is_taken_is_among_those_that_looking_at_all_subsets_finds(
    lines: list[int], entries: list[int]
) -> None:
    def frame(name: str, amounts: list[int]) -> pl.DataFrame:
        row = {"kind": "payment", "currency": "CNY", "business_date": DAY}
        return side(name, [row | {"amount": str(amount)} for amount in amounts])

    rule = MatchRule("sets", ("currency",), groups="subset", date_window=DateWindow(3, 3))
    matched = engine.match(frame("L", lines), frame("E", entries), (rule,), 1)
    taken: dict[int, dict[str, list[int]]] = {}
    for number, name, row, *_ in matched.groups.iter_rows():
        taken.setdefault(number, {"line": [], "entry": []})[name].append(row)
    sides = {"line": lines, "entry": entries}
    for members in taken.values():
        sums = [sum(sides[name][row] for row in rows) for name, rows in members.items()]
        assert sums[0] == sums[1]
        (single,) = [name for name, rows in members.items() if len(rows) == 1]
        other = "entry" if single == "line" else "line"
        (target,) = members[single]
        rows = range(len(sides[other]))
        ways = [
            chosen
            for size in rows
            for chosen in combinations(rows, size + 1)
            if sum(sides[other][row] for row in chosen) == sides[single][target]
        ]
        assert tuple(sorted(members[other])) in ways
