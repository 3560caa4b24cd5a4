"""A place with sources that its configuration describes, run day by day as a user runs it.

Rows are texts. Of statements: `<kind> <number> <our reference> <amount>`, and `status=`, `text=`,
`parent=`; of the ledger the same with an id in front, and `date=`. `-` is nothing, all money is in
EUR, and the days are of March 2026.
"""

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from recon.cli import invoke
from tests.support import ROOT

KINDS: Final = ("payment", "refund", "payout", "payout_reversal", "top_up")
_COLUMNS: Final = ("date", "kind", "txn", "ref", "parent", "amount", "status", "text")
_SOURCE: Final = """
[provider]
title = "{slug}"
[source]
channel = "folder"
path = "in/{slug}"
[[account]]
account = "{slug}1"
title = "{slug}"
time_zone = "UTC"
statements = ["day"]
entry_window_days = 2
{more}
[[statement]]
name = "day"
title = "day"
time_zone = "UTC"
encoding = "utf-8"
separator = ","
footer = "TOTAL"
date_column = "date {slug}"
date_format = "%Y-%m-%d"
account_pattern = 'ACCOUNT (\\S+)'
date_pattern = 'DAY (\\d\\d\\d\\d-\\d\\d-\\d\\d)'
currency = "EUR"
description = ["text"]
[statement.statuses]
ok = "succeeded"
failed = "failed"
pending = "pending"
reversed = "reversed"
[statement.columns]
txn_id = "txn"
merchant_ref = "ref"
parent_ref = "parent"
status = "status"
[statement.numbers]
decimal = "."
[statement.amount]
column = "amount"
[[statement.total]]
name = "rows"
of = "count"
pattern = '^TOTAL,(\\d+),'
[[statement.total]]
name = "opening"
of = "opening"
pattern = '^TOTAL,\\d+,([-0-9.]+),'
[[statement.total]]
name = "closing"
of = "closing"
pattern = '^TOTAL,\\d+,[-0-9.]+,([-0-9.]+)'
"""
_KIND: Final = '[[statement.kind]]\nkind = "{0}"\ncolumn = "kind"\nwords = ["{0}"]\n'
_ENTRY: Final = (
    *("entry_id", "provider", "account", "business_date", "kind", "txn_id", "merchant_ref"),
    *("parent_ref", "currency", "amount", "status"),
)


def on(day: int) -> str:
    return f"2026-03-{day:02}"


class Described:
    """`sources` are names, with the settings that their account has beside the usual ones."""

    def __init__(self, folder: Path, **sources: str) -> None:
        self.folder = folder
        (folder / "configs" / "providers").mkdir(parents=True)
        shipped = (ROOT / "configs" / "recon.toml").read_text("utf-8")
        rates = shipped.replace('"sample_statements', f'"{ROOT.as_posix()}/sample_statements')
        (folder / "configs" / "recon.toml").write_text(rates, "utf-8")
        for slug, more in sources.items():
            (folder / "in" / slug).mkdir(parents=True)
            more += "" if "line_window" in more else "line_window_days = 2\n"
            text = _SOURCE.format(slug=slug, more=more) + "".join(map(_KIND.format, KINDS))
            (folder / "configs" / "providers" / f"{slug}.toml").write_text(text, "utf-8")

    def recon(self, *words: str) -> int:
        places = ("--config", f"{self.folder}/configs", "--workspace", f"{self.folder}/workspace")
        return invoke([*words, *places])

    def statements(self, source: str, days: range, rows: dict[int, str]) -> None:
        """A statement for each of the days, of the rows it has, one a line, with its balances."""
        balance = Decimal(0)
        for day in days:
            text = io.StringIO()
            text.write(f"ACCOUNT {source}1\nDAY {on(day)}\n")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([f"date {source}", *_COLUMNS[1:]])
            told, opening = rows.get(day, "").splitlines(), balance
            for row in told:
                kind, txn, ref, amount, *rest = _cells(row)
                balance += Decimal(amount)
                more = dict(cell.split("=", 1) for cell in rest)
                parent, status = more.get("parent", ""), more.get("status", "ok")
                said = [kind, txn, ref, parent, amount, status, more.get("text", "")]
                writer.writerow([on(day), *said])
            text.write(f"TOTAL,{len(told)},{opening},{balance}\n")
            (self.folder / "in" / source / f"{source} {on(day)}.csv").write_text(
                text.getvalue(), "utf-8"
            )

    def entries(self, source: str, day: int, rows: str) -> None:
        path = self.folder / "entries.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_ENTRY)
            for row in rows.splitlines():
                name, kind, txn, ref, amount, *rest = _cells(row)
                more = dict(cell.split("=", 1) for cell in rest)
                dated = on(int(more.get("date", day)))
                facts = [kind, txn, ref, more.get("parent", ""), "EUR", amount]
                whose = [name, source, f"{source}1", dated]
                writer.writerow([*whose, *facts, more.get("status", "")])
        assert self.recon("ledger", "import", str(path)) == 0

    def run(self, first: int, last: int, *accounts: str) -> None:
        chosen = [word for account in accounts for word in ("--account", account)]
        assert self.recon("run", "--from", on(first), "--to", on(last), *chosen) == 0

    def report(self, source: str, day: int, name: str) -> pl.DataFrame:
        path = self.folder / "workspace" / "reports" / on(day) / source / f"{source}1" / name
        return pl.read_csv(path, infer_schema=False)

    def summary(self, source: str, day: int) -> dict[str, Any]:
        path = self.folder / "workspace" / "reports" / on(day) / source / f"{source}1"
        return dict(json.loads((path / "summary.json").read_text("utf-8")))

    def told(self, source: str, days: range) -> list[str]:
        """`<day> <type> <difference>` of each discrepancy."""
        return [
            f"{day} {row[0]} {Decimal(row[1]).normalize():f}"
            for day in days
            for row in self.report(source, day, "discrepancies.csv")
            .select("type", "difference")
            .iter_rows()
        ]

    def said(self, source: str, day: int) -> list[str]:
        found = self.report(source, day, "discrepancies.csv")
        return found["explanation"].to_list()

    def waiting(self, day: int, *sides: str) -> list[str]:
        """`<side> <item> <amount> <state>` of what is open after a day."""
        out = self.folder / "items.csv"
        days = ("--from", on(day), "--to", on(day))
        assert self.recon("open-items", *days, "--out", str(out)) == 0
        left = pl.read_csv(out, infer_schema=False).filter(pl.col("side").is_in(sides))
        return [
            f"{side} {item.split(':')[-1]} {Decimal(amount).normalize():f} {state}"
            for side, item, amount, state in left.select(
                "side", "item_id", "amount", "state"
            ).iter_rows()
        ]

    def balance(self, first: int, last: int, account: str) -> Decimal:
        """What the journal of a range leaves on ledger accounts of that name."""
        out = self.folder / "journal.csv"
        days = ("--from", on(first), "--to", on(last))
        assert self.recon("journal", *days, "--out", str(out)) == 0
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in pl.read_csv(out, infer_schema=False).iter_rows(named=True):
            sums[row["ledger_account"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
        return sum((value for name, value in sums.items() if account in name), Decimal(0))


def _cells(row: str) -> list[str]:
    return ["" if cell == "-" else cell for cell in row.split()]
