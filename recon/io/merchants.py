"""Merchants, for real: matched lines of a period in, settlements recorded, statements and the
payment file out.

A settlement is named by what it is made of. The same one again changes nothing and writes the same
files; another one for the same days replaces the first only when that is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from recon.book_tables import MERCHANT_LINE, MERCHANT_SETTLEMENT
from recon.errors import UserError
from recon.io.canonical import digest
from recon.io.database import Database, read_frame
from recon.io.days import Workspace, read_ledger_of
from recon.io.deliveries import business_days
from recon.io.export import replaced, write_frame
from recon.io.frames import write_frame as write_rows
from recon.io.names import file_name
from recon.io.reports import write_workbook_file
from recon.io.runs import RunStore
from recon.io.schema import MERCHANT_SETTLEMENTS, RUNS
from recon.io.standing import standing_runs
from recon.merchants.lines import Merchant, merchant_lines, totals, with_fees
from recon.merchants.owed import settlements
from recon.merchants.pain001 import Payment, message_id, pain001, payment_rows
from recon.periods import Period
from recon.reporting.merchants import merchant_workbook
from recon.settings import AccountSettings
from recon.tables import INSTANT, MATCH, STATEMENT_LINE, conform, empty


@dataclass(frozen=True)
class Settled:
    """What was settled: the settlements, the lines, and the files that were written."""

    settlements: pl.DataFrame  # MERCHANT_SETTLEMENT
    lines: pl.DataFrame  # MERCHANT_LINE
    unowned: pl.DataFrame  # MERCHANT_LINE held back that may be of several merchants
    files: tuple[Path, ...]
    is_new: bool


def settle(
    workspace: Workspace,
    chosen: Sequence[str] | None,
    period: Period,
    *,
    supersede: bool = False,
    unproved: bool = False,
    skip_earlier: bool = False,
    now: datetime | None = None,
) -> Settled:
    """Settle merchants for a period. Errors: UserError for a merchant or period that cannot be
    settled, NotProvedError for days that were not run or are not proved."""
    merchants = merchants_named(workspace, chosen)
    lines = _lines(workspace, merchants, period, unproved=unproved)
    sums = totals(lines)
    made = []
    for one in merchants:
        his = lines.filter(merchant=one.merchant)
        earlier = known_settlements(workspace.database, one.merchant)
        found = _settlement(workspace, one, sums, his, earlier, period)
        _refuse_gaps(one, earlier, found, period, supersede=supersede)
        if earlier.is_empty() and not found.is_empty() and not skip_earlier:
            _refuse_late_start(workspace, one, period)
        made.append(_Made(one, found, his, earlier, runs_of(workspace, one, period)))
    is_new = _record(workspace.database, made, period, now or datetime.now(UTC))
    files = _write(workspace, made, period)
    done = pl.concat([empty(MERCHANT_SETTLEMENT), *(one.settlement for one in made)])
    return Settled(
        done.sort("merchant", "currency"),
        pl.concat([empty(MERCHANT_LINE), *(one.lines for one in made)]),
        lines.filter(pl.col("merchant").is_null(), state="held_back"),
        files,
        is_new,
    )


@dataclass(frozen=True)
class _Made:
    """What is owed to a merchant, and what it was made of: lines, earlier settlements, runs."""

    merchant: Merchant
    settlement: pl.DataFrame  # MERCHANT_SETTLEMENT
    lines: pl.DataFrame  # MERCHANT_LINE
    earlier: pl.DataFrame  # MERCHANT_SETTLEMENT
    runs: str


def _settlement(
    workspace: Workspace,
    merchant: Merchant,
    sums: pl.DataFrame,
    lines: pl.DataFrame,
    earlier: pl.DataFrame,
    period: Period,
) -> pl.DataFrame:
    """MERCHANT_SETTLEMENT of one merchant, from `totals` of all and his own lines and past."""
    tariffs = workspace.config.merchants.tariffs
    return settlements(
        sums.filter(merchant=merchant.merchant),
        lines,
        earlier.filter(pl.col("last") < period.first),
        merchant,
        [row for row in tariffs if row.account == merchant.merchant],
        period,
        business_days(merchant.calendar, period.last),
    )


def settled_now(workspace: Workspace, merchant: Merchant, period: Period) -> pl.DataFrame:
    """MERCHANT_SETTLEMENT as it would be now; nothing is recorded. Errors: NotProvedError."""
    lines = _lines(workspace, [merchant], period, unproved=True)
    earlier = known_settlements(workspace.database, merchant.merchant)
    his = lines.filter(merchant=merchant.merchant)
    return _settlement(workspace, merchant, totals(lines), his, earlier, period)


def runs_of(workspace: Workspace, merchant: Merchant, period: Period) -> str:
    """A digest of the current runs that a settlement is made of: another one is worth a look."""
    run = RUNS.c
    select = (
        sa.select(run.run_id)
        .where(
            run.superseded_by.is_(None),
            run.account.in_(merchant.accounts),
            run.business_date.between(period.first, period.last),
        )
        .order_by(run.run_id)
    )
    with workspace.database.connect() as connection:
        return digest(list(connection.execute(select).scalars()))


def merchants_named(workspace: Workspace, chosen: Sequence[str] | None) -> list[Merchant]:
    """The configured merchants of these names, by default all. Errors: UserError."""
    known = {one.merchant: one for one in workspace.config.merchants.merchants}
    if not known:
        raise UserError(f"no merchant is configured in {workspace.config.directory}/merchants.toml")
    unknown = sorted(set(chosen or []) - set(known))
    if unknown:
        raise UserError(f"no merchant {', '.join(unknown)}; configured: {', '.join(known)}")
    return [known[name] for name in sorted(chosen or known)]


def known_settlements(database: Database, merchant: str | None = None) -> pl.DataFrame:
    """MERCHANT_SETTLEMENT that none has superseded, of one merchant or all."""
    table = MERCHANT_SETTLEMENTS.c
    select = sa.select(*(table[name] for name in MERCHANT_SETTLEMENT)).where(
        table.superseded_by.is_(None)
    )
    if merchant is not None:
        select = select.where(table.merchant == merchant)
    found = read_frame(database, select, MERCHANT_SETTLEMENT)
    return found.sort("merchant", "first", "currency")


def _lines(
    workspace: Workspace, chosen: Sequence[Merchant], period: Period, *, unproved: bool
) -> pl.DataFrame:
    """MERCHANT_LINE of every account that collects for one of the chosen merchants."""
    everyone = workspace.config.merchants.merchants
    numbers = {number for one in chosen for number in one.accounts}
    accounts = [one for one in workspace.config.accounts if one.account in numbers]
    found = [
        merchant_lines(*_facts(workspace, account, period, unproved=unproved), everyone)
        for account in accounts
    ]
    every = pl.concat([empty(MERCHANT_LINE), *found])
    return with_fees(every, workspace.config.merchants.tariffs)


def _facts(
    workspace: Workspace, account: AccountSettings, period: Period, *, unproved: bool
) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.DataFrame]:
    """Lines, matches and the owners of entries of an account; what was open before is there too."""
    runs = RunStore(workspace.database)
    before = runs.open_items_before(account.provider, account.account, period.first)
    carried = before.filter(side="line").with_columns(
        line_id="item_id",
        gross="amount",
        provider=pl.lit(account.provider),
        account=pl.lit(account.account),
    )
    lines, matches = [conform(carried, STATEMENT_LINE).lazy()], [empty(MATCH).lazy()]
    how = "settle the days before it, or add --unproved to pay what is matched"
    standing = standing_runs(workspace, account, period, unless_proved=None if unproved else how)
    for _, folder in standing:
        lines.append(pl.scan_parquet(folder / "lines.parquet"))
        matches.append(pl.scan_parquet(folder / "matches.parquet"))
    oldest = before.filter(side="entry")["business_date"].min()
    first = min(oldest, period.first) if isinstance(oldest, date) else period.first
    entries = read_ledger_of(workspace, account, Period(first, period.last)).frame
    return pl.concat(lines), pl.concat(matches), entries.select("entry_id", "merchant_id")


def _refuse_gaps(
    merchant: Merchant,
    earlier: pl.DataFrame,
    found: pl.DataFrame,
    period: Period,
    *,
    supersede: bool,
) -> None:
    """Every day is settled once: periods of a merchant follow each other without gap or overlap."""
    if earlier.height == 0:
        return
    same = earlier.filter(first=period.first, last=period.last)
    last = max(earlier["last"])
    if same.height:
        is_same = set(same["settlement_id"]) == set(found["settlement_id"])
        if not is_same and last != period.last:
            raise UserError(
                f"{merchant.merchant} {period} would be settled otherwise now, and later days are "
                f"settled already, up to {last}; correct it in the next settlement by hand"
            )
        if not is_same and not supersede:
            raise UserError(
                f"{merchant.merchant} {period} is settled already, with another result; if that "
                "payment was not sent, or is recalled, replace it with --supersede"
            )
        return
    if period.first != last + timedelta(days=1):
        raise UserError(
            f"{merchant.merchant} is settled up to {last}; the next period starts on "
            f"{last + timedelta(days=1)}, not on {period.first}"
        )


def _refuse_late_start(workspace: Workspace, merchant: Merchant, period: Period) -> None:
    """A merchant's first settlement starts with the first day of his that was run: an earlier one
    could be in no settlement any more."""
    until = period.first - timedelta(days=1)
    runs = RunStore(workspace.database)
    for account in workspace.config.accounts:
        if account.account not in merchant.accounts:
            continue
        began = runs.first_day(account.provider, account.account)
        if began is None or began > until:
            continue
        waiting = runs.open_items_before(account.provider, account.account, period.first)
        entries = read_ledger_of(workspace, account, Period(began, until)).frame
        left_out = entries.filter(
            ~pl.col("entry_id").is_in(waiting.filter(side="entry")["item_id"].implode()),
            merchant_id=merchant.merchant,
        )
        if left_out.height:
            since = min(left_out["business_date"])
            raise UserError(
                f"{merchant.merchant} was never settled, and has money in {account.provider} "
                f"{account.account} since {since}, which no settlement "
                f"from {period.first} on would have; start there, or add --skip-earlier where that "
                "was paid otherwise"
            )


def _record(database: Database, made: Sequence[_Made], period: Period, now: datetime) -> bool:
    """Write the settlements that are not there yet, in one transaction; whether there were any.

    Errors: UserError when another process has settled one of the merchants meanwhile.
    """
    is_new = False
    table = MERCHANT_SETTLEMENTS
    with database.begin() as connection:
        for one in made:
            if one.settlement.is_empty():
                continue
            merchant, number = one.merchant.merchant, one.settlement["settlement_id"][0]
            mine = (table.c.merchant == merchant) & table.c.superseded_by.is_(None)
            same_days = (table.c.first == period.first) & (table.c.last == period.last)
            there = set(connection.execute(sa.select(table.c.settlement_id).where(mine)).scalars())
            if there != set(one.earlier["settlement_id"]):
                raise UserError(
                    f"{merchant} was settled by somebody else just now, and nothing was recorded; "
                    "see: recon merchants show"
                )
            made_of = {"runs": one.runs}
            this = (table.c.settlement_id == number) & (table.c.merchant == merchant)
            if number in there:
                connection.execute(sa.update(table).where(this).values(made_of))
                continue
            is_new = True
            before = sa.update(table).where(mine & same_days)
            connection.execute(before.values(superseded_by=number))
            again = sa.update(table).where(this).values(superseded_by=None, **made_of)
            if connection.execute(again).rowcount == 0:
                facts = {"settled_at": now, **made_of}
                rows = one.settlement.with_columns(
                    pl.lit(fact).alias(n) for n, fact in facts.items()
                )
                write_rows(connection, table, rows)
    return is_new


def _write(workspace: Workspace, made: Sequence[_Made], period: Period) -> tuple[Path, ...]:
    """A statement for each merchant, and for the bank a file of those that were settled together:
    whoever is asked for again is in the file he was in before, never in another as well."""
    folder = workspace.root / "merchants" / str(period)
    files = []
    for one in made:
        path = folder / f"{file_name(one.merchant.merchant)}.xlsx"
        merchant = one.merchant
        book = merchant_workbook(
            merchant.title, one.settlement, one.lines, period, merchant.language
        )
        write_workbook_file(book, path)
        files.append(path)
    names = {one.merchant.merchant for one in made}
    for together in _settled_together(workspace.database, period):
        payments = _payments(workspace, together, period)
        if payments and names.intersection(together["merchant"]):
            name = message_id(payments)
            xml = folder / f"{name}.xml"
            with replaced(xml) as part:
                part.write_bytes(pain001(payments, payments[0].payer.name, period.last))
            rows = pl.DataFrame(payment_rows(payments))
            files += [xml, write_frame(rows, folder / f"{name}.csv")]
    return tuple(files)


def _settled_together(database: Database, period: Period) -> list[pl.DataFrame]:
    """MERCHANT_SETTLEMENT of a period that none has superseded, by the moment they were made."""
    table = MERCHANT_SETTLEMENTS.c
    schema = {**MERCHANT_SETTLEMENT, "settled_at": INSTANT}
    select = sa.select(*(table[name] for name in schema)).where(
        table.superseded_by.is_(None), table.first == period.first, table.last == period.last
    )
    found = read_frame(database, select, schema).sort("settled_at", "merchant", "currency")
    return found.partition_by("settled_at", maintain_order=True, include_key=False)


def _payments(workspace: Workspace, made: pl.DataFrame, period: Period) -> list[Payment]:
    """What the bank is told to pay. The configuration has a payer for each currency."""
    config = workspace.config.merchants
    known = {one.merchant: one for one in config.merchants}
    payments = []
    for row in made.filter(pl.col("payout") > 0).iter_rows(named=True):
        merchant = known.get(row["merchant"])
        payee = None if merchant is None else merchant.bank_account(row["currency"])
        payer = config.payer(row["currency"])
        if payee is None or payer is None:
            raise UserError(
                f"{row['merchant']} was settled for {period} to be paid in {row['currency']}, and "
                "merchants.toml has no bank account for that any more; nothing was written for the "
                "bank"
            )
        payments.append(
            Payment(
                payment_id=f"{row['settlement_id']}-{row['currency']}",
                payer=payer,
                payee=payee,
                amount=row["payout"],
                pay_on=row["pay_on"],
                remittance=f"{row['merchant']} {period.first} to {period.last}",
            )
        )
    return payments
