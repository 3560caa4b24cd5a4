"""Small tables of text -> the frames the core takes; and whole days run in memory."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from recon import findings
from recon.day import DayInput, MemoryStore, Policy, Statement
from recon.discrepancies import Day, Severity
from recon.io.config import Config, load_config
from recon.io.orders import refunded_orders
from recon.io.rates import read_rates
from recon.matching import engine, explain, waiting
from recon.matching.items import ITEM
from recon.matching.origins import RETURNING
from recon.matching.rules import MatchRule
from recon.pipeline import run_day
from recon.providers import identify, provider_named
from recon.results import DayResult, StatementFile
from recon.settings import AccountSettings
from recon.tables import OPEN_ITEM, REJECT, STATEMENT_LINE, Schema, empty
from tests.generator import DaySpec, GeneratedDay, generate_day
from tests.generator.reading import content_of

ROOT: Final = Path(__file__).parents[1]
TODAY: Final = date(2026, 11, 20)
WHOSE: Final = Day("wechatpay", "1600000001", TODAY, Severity())
ONE_DAY: Final = waiting.Windows(line_days=1, entry_days=1, date_tolerance_days=1)


@cache
def shipped_config() -> Config:
    return load_config(ROOT / "configs")


def shipped_rules() -> tuple[MatchRule, ...]:
    return shipped_config().policy.rules


# ---------------------------------------------------------------------------- frames from text


def frame_of(schema: Schema, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a table: what is not given is null; money and dates may be text."""
    given = list(rows)
    unknown = {name for row in given for name in row} - set(schema)
    assert not unknown, f"no column {unknown}"
    return pl.DataFrame(
        {name: [_typed(row.get(name), dtype) for row in given] for name, dtype in schema.items()},
        schema=dict(schema),
    )


def _typed(value: Any, dtype: pl.DataType) -> Any:
    if isinstance(value, str) and isinstance(dtype, pl.Decimal):
        return Decimal(value)
    if isinstance(value, str) and dtype == pl.Date:
        return date.fromisoformat(value)
    return value


def line(line_id: str = "L1", **facts: Any) -> dict[str, Any]:
    """One row of STATEMENT_LINE: a payment of 10.00 CNY without a fee, but for what is given."""
    usual: dict[str, Any] = {
        "line_id": line_id,
        "provider": "wechatpay",
        "account": "1600000001",
        "file_id": "f1",
        "line_no": 1,
        "business_date": TODAY,
        "occurred_at": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "kind": "payment",
        "batch_id": "2026-11-20",
        "currency": "CNY",
        "gross": "10.00",
        "fee": "0",
        "status": "succeeded",
    }
    row = usual | facts
    row.setdefault("net", str(Decimal(row["gross"]) - Decimal(row["fee"] or 0)))
    return row


def lines(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame_of(STATEMENT_LINE, rows)


def items(text: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides as ITEM, from rows such as `line L1 payment T1 R1 CNY 10.00 on=11-19`.

    `-` is an unknown id, `''` a blank one, `_` in an id a space. After the amount, as name=value:
    parent, status, on (the business date), carried (open or overdue), due, paid (such as USD10.00).
    """
    rows = [row.split() for row in text.strip().splitlines() if row.strip()]
    return tuple(  # type: ignore[return-value]
        frame_of(ITEM, [_item(row) for row in rows if row[0] == side]) for side in ("line", "entry")
    )


def _item(cells: Sequence[str]) -> dict[str, Any]:
    _, item_id, kind, txn_id, merchant_ref, currency, amount, *rest = cells
    more = dict(cell.split("=", 1) for cell in rest)
    carried = more.pop("carried", None)
    facts = {
        "item_id": item_id,
        "kind": kind,
        "txn_id": _id(txn_id),
        "merchant_ref": _id(merchant_ref),
        "currency": currency,
        "amount": amount,
        "status": more.pop("status", None),
        "parent_ref": _id(more.pop("parent", "-")),
        "business_date": _date(more.pop("on", "11-20")),
        "due_on": _date(more.pop("due")) if "due" in more else None,
        "original_currency": more.get("paid", " ")[:3].strip() or None,
        "original_amount": more.pop("paid", "   ")[3:].strip() or None,
        "reported": carried == "overdue",
    }
    assert not more, f"not understood: {more}"
    return facts


def _id(text: str) -> str | None:
    if text == "-":
        return None
    return "" if text == "''" else text.replace("_", " ")


def _date(month_and_day: str) -> date:
    return date.fromisoformat(f"2026-{month_and_day}")


# ---------------------------------------------------------------------------- matching as a table


def outcomes(
    text: str,
    *,
    rules: Sequence[MatchRule] | None = None,
    windows: waiting.Windows = ONE_DAY,
    today: date = TODAY,
) -> list[str]:
    """What becomes of each line and entry, as sorted sentences; see `check`."""
    chosen = shipped_rules() if rules is None else rules
    given_lines, given_entries = items(text)
    matched = engine.match(
        given_lines,
        given_entries,
        chosen,
        windows.date_tolerance_days,
        may_wait=waiting.may_wait(windows, today),
    )
    matches = explain.matches(matched, given_lines, given_entries, chosen).collect()
    found = explain.discrepancies(
        matched, given_lines, given_entries, chosen, windows, replace(WHOSE, business_date=today)
    )
    left = waiting.open_items(matched, windows, today)
    late = waiting.newly_late(matched, windows, today)
    nothing = empty(REJECT)
    findings.conservation(matched, given_lines, given_entries, late, nothing, nothing)
    said = [
        f"{' '.join([*lines_, *entries_])} matched by {rule}"
        for rule, lines_, entries_ in matches.group_by("match_id")
        .agg(
            pl.col("rule").first(),
            pl.col("line_id").drop_nulls().sort(),
            pl.col("entry_id").drop_nulls().sort(),
        )
        .select("rule", "line_id", "entry_id")
        .iter_rows()
    ]
    reported = set()
    for row in found.iter_rows(named=True):
        members = [*(row["line_ids"] or []), *(row["entry_ids"] or [])]
        said.append(f"{' '.join(members)} {row['type']} {row['difference']:.2f}")
        reported |= set(members)
    said += [
        f"{item_id} {state}"
        for item_id, state in left.select("item_id", "state").iter_rows()
        if not (state == "overdue" and item_id in reported)
    ]
    return sorted(said)


def check(
    text: str,
    *,
    rules: Sequence[MatchRule] | None = None,
    windows: waiting.Windows = ONE_DAY,
    today: date = TODAY,
) -> None:
    """Lines and entries above `---`, what must become of every one of them below it.

    `L1 E1 matched by <rule>`, `L1 E1 <discrepancy type> <provider - ledger>`, `L1 open`, and
    `L1 overdue` for what an earlier day has reported and nothing has cleared.
    """
    given, expected = text.split("---")
    wanted = sorted(" ".join(row.split()) for row in expected.splitlines() if row.strip())
    assert outcomes(given, rules=rules, windows=windows, today=today) == wanted


# ------------------------------------------------------------------------- a place of one's own


_COLLECTING = {"acquirer", "adyen", "stripe", "wechatpay"}  # for merchants


def copy_place(folder: Path, *providers: str) -> list[Path]:
    """Configuration and samples of some providers, to break; answers the ledgers' files."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path in (folder / "configs").glob("*/*.toml"):
        if path.stem not in providers:
            path.unlink()
    if not set(providers) >= _COLLECTING:
        (folder / "configs" / "merchants.toml").unlink()
    samples = folder / "sample_statements"
    shutil.copytree(ROOT / "sample_statements" / "rates", samples / "rates")
    for provider in providers:
        shutil.copytree(ROOT / "sample_statements" / provider, samples / provider)
        (samples / "ledger").mkdir(exist_ok=True)
        shutil.copy(ROOT / "sample_statements" / "ledger" / f"{provider}.csv", samples / "ledger")
    return sorted((samples / "ledger").iterdir())


# ---------------------------------------------------------------------------- days run in memory


def account_of(provider: str, **changes: Any) -> AccountSettings:
    """The shipped settings of the provider's account, but for the changes."""
    found = next(a for a in shipped_config().accounts if a.provider == provider)
    return replace(found, **changes)


def small_day(
    provider: str = "wechatpay", rows: int = 40, *, carry_out: int = 0, **plants: int
) -> GeneratedDay:
    """A generated day; without plants unless told."""
    return _small_day(provider, rows, carry_out, tuple(plants.items()))


@cache
def _small_day(
    provider: str, rows: int, carry_out: int, plants: tuple[tuple[str, int], ...]
) -> GeneratedDay:
    return generate_day(
        DaySpec(
            provider=provider,
            account=account_of(provider).account,
            business_date=TODAY,
            rows=rows,
            plants=dict(plants),
            carry_out=carry_out,
        )
    )


def statements_of(provider: str, files: Mapping[str, bytes]) -> tuple[Statement, ...]:
    """Files told by their content, as `io` hands them over."""
    made = []
    for name, data in files.items():
        content = content_of(name, data)
        known, description = identify(content, shipped_config().providers)
        assert known.slug == provider
        kind = known.kind(description.kind)
        file = StatementFile(content.file_id, name, kind.name)
        made.append(Statement(file, kind, content.in_utf8(description.encoding)))
    return tuple(made)


def orders_in(ledger: pl.DataFrame, business_date: date) -> pl.DataFrame:
    """What `io.orders` finds of the orders that entries of the day give money back of."""
    known = ledger.filter(pl.col("business_date") <= business_date)
    orders = refunded_orders(ledger.filter(business_date=business_date))
    is_payment = (pl.col("kind") == "payment") & pl.col("merchant_ref").is_in(orders)
    is_return = pl.col("kind").is_in(RETURNING) & pl.col("parent_ref").is_in(orders)
    return known.filter(is_payment | is_return)


def rates_for(account: AccountSettings, business_date: date) -> pl.DataFrame | None:
    settings = shipped_config().recon.rates
    if settings is None or account.fx_tolerance_percent is None:
        return None
    return read_rates(ROOT / settings.path, business_date, settings.max_age_days)


def run_files(
    account: AccountSettings,
    business_date: date,
    files: Mapping[str, bytes],
    ledger: pl.DataFrame,
    *,
    entry_rejects: pl.DataFrame | None = None,
    open_items: pl.DataFrame | None = None,
    payouts: pl.DataFrame | None = None,
    policy: Policy | None = None,
) -> DayResult:
    """Run one day of an account, as shipped unless told; of the ledger, what is of that day."""
    return run_day(
        DayInput(
            account=account,
            provider=provider_named(account.provider, shipped_config().providers),
            business_date=business_date,
            statements=statements_of(account.provider, files),
            entries=ledger.filter(business_date=business_date).lazy(),
            entry_rejects=empty(REJECT) if entry_rejects is None else entry_rejects,
            open_items=empty(OPEN_ITEM) if open_items is None else open_items,
            orders=orders_in(ledger, business_date),
            rates=rates_for(account, business_date),
            payouts=payouts,
        ),
        policy or shipped_config().policy,
        MemoryStore(),
    )


def run(
    day: GeneratedDay,
    *,
    account: AccountSettings | None = None,
    files: Mapping[str, bytes] | None = None,
    ledger: pl.DataFrame | None = None,
    entry_rejects: pl.DataFrame | None = None,
    open_items: pl.DataFrame | None = None,
) -> DayResult:
    """Run a generated day, or what a fault has made of it."""
    return run_files(
        account or account_of(day.spec.provider),
        day.spec.business_date,
        day.files if files is None else files,
        day.ledger if ledger is None else ledger,
        entry_rejects=entry_rejects,
        open_items=open_items,
    )


def changed(
    files: Mapping[str, bytes], part: str, change: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """The same files, with those whose name holds `part` changed."""
    return {name: change(data) if part in name else data for name, data in files.items()}


FRAMES: Final = (
    "lines",
    "matches",
    "discrepancies",
    "open_items",
    "rejects",
    "controls",
    "assessed_withdrawals",
    "fees",
    "batches",
    "roll_forward",
    "conservation",
)


def frames(result: DayResult) -> dict[str, pl.DataFrame]:
    """Every frame of a result, in memory."""
    return {name: getattr(result, name).lazy().collect() for name in FRAMES}
