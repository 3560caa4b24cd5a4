"""The first sheet of a proof workbook: proved or not, by account, and where the money is."""

from decimal import Decimal
from typing import Final

import polars as pl

from recon.masking import masked
from recon.money import MONEY, ZERO
from recon.reporting import text
from recon.reporting.book import Book
from recon.reporting.columns import ANSWER_TONES, column, columns, named, toned
from recon.reporting.sheets import (
    Banner,
    Block,
    Cell,
    Column,
    CountOf,
    Line,
    Lines,
    Sheet,
    SumOf,
    Table,
)
from recon.reporting.text import NOTHING, Language

_REASONS_SHOWN: Final = 12
_ONE: Final = pl.lit(Decimal(1), dtype=MONEY)


def summary_sheet(book: Book, language: Language) -> Sheet:
    """Verdict, accounts, money by currency, what is on its way, and room for two signatures."""
    blocks: list[Block] = [_facts(book, language), _verdict(book, language)]
    if not book.is_range:
        blocks.append(days_table(book, language))
    blocks += [_key_figures(book, language), _money(book, language), _sent(book, language)]
    blocks += [_discrepancies(book, language), _sign_off(book, language)]
    return Sheet(
        text.sheet("summary", language),
        tuple(blocks),
        heading=text.phrase("report_proof", language),
        nothing=text.phrase("nothing", language),
    )


def _facts(book: Book, language: Language) -> Lines:
    first, last = book.period.first.isoformat(), book.period.last.isoformat()
    days = f"{first} – {last}" if book.is_range else last
    facts = {
        "business_date": Cell(days),
        "accounts": Cell(book.days.select("provider", "account").n_unique(), "count"),
        "fingerprint": Cell(book.fingerprint),
    }
    lines = [Line(name, text.phrase(f"fact_{name}", language), (c,)) for name, c in facts.items()]
    return Lines("", tuple(lines))


def _verdict(book: Book, language: Language) -> Banner:
    count, proved = book.days.height, int(book.days["proved"].fill_null(value=False).sum())
    said = text.phrase("days_proved" if book.is_range else "accounts_proved", language)
    sentences = [said.format(proved=proved, count=count)]
    for day in book.days.filter(~pl.col("proved").fill_null(value=False)).iter_rows(named=True):
        whose = f"{day['provider']} {day['account']}"
        if book.is_range:
            whose = f"{day['business_date'].isoformat()} {whose}"
        because = day["not_proved_because"] or [text.phrase("not_run", language)]
        sentences += [f"• {whose}: {masked(reason)}" for reason in because]
    more = len(sentences) - _REASONS_SHOWN
    if more > 0:
        rest = text.phrase("more_reasons", language).format(count=more)
        sentences = [*sentences[:_REASONS_SHOWN], f"• {rest}"]
    verdict = text.phrase("proved" if book.proved else "not_proved", language)
    return Banner(verdict, "good" if book.proved else "bad", tuple(sentences))


def days_table(book: Book, language: Language, *, main: bool = False) -> Table:
    """One row an account and day: proved or not, how much matched, what is left, its reports."""
    answers = text.words(text.ANSWERS, language)
    frame = book.days.sort("business_date", "provider", "account").with_columns(
        proved=pl.when(pl.col("proved").fill_null(value=False))
        .then(pl.lit(answers["yes"]))
        .otherwise(pl.lit(answers["no"])),
        matched_rate=pl.when(pl.col("line_count") > 0).then(
            (pl.col("matched_count") * _ONE / pl.col("line_count")).round(6)
        ),
        discrepancies="discrepancy_count",
        open_items="open_count",
        rejected="rejected_count",
        overdue="overdue_count",
        folder=pl.concat_str("folder", pl.lit("/discrepancies.xlsx")),
    )
    shown = [
        *columns("business_date provider account account_title", language),
        toned("proved", language, text.ANSWERS, ANSWER_TONES),
        *columns("line_count matched_count", language),
        column("matched_rate", language, formula="ROUND({matched_count}/{line_count},6)"),
        *columns("open_items overdue discrepancies high_count rejected folder", language),
    ]
    title = "" if main else text.phrase("accounts", language)
    return Table("days", tuple(shown), frame, title=title, main=main)


def _key_figures(book: Book, language: Language) -> Lines:
    answers = text.words(text.ANSWERS, language)
    high = text.words(text.SEVERITIES, language)["high"]
    found = book.discrepancies
    off = book["batches"].filter(pl.col("proof") != ZERO).height

    def count(name: str, value: int, formula: CountOf | str = "", *, check: bool = False) -> Line:
        cell = Cell(value, "count", formula=formula, check=check)
        return Line(name, text.phrase(f"count_{name}", language), (cell,))

    unproved = book.days.height - int(book.days["proved"].fill_null(value=False).sum())
    lines = (
        count("days", book.days.height, CountOf("days", "provider")),
        count("not_proved", unproved, CountOf("days", "provider", {"proved": answers["no"]})),
        count("batches", book["batches"].height, CountOf("batches", "currency")),
        count("batches_off", off, check=True),
        count("discrepancies", found.height, CountOf("discrepancies", "discrepancy_id")),
        count(
            "high",
            found.filter(severity="high").height,
            CountOf("discrepancies", "discrepancy_id", {"severity": high}),
        ),
        count("open_items", book.open_items.height),
    )
    return Lines(text.phrase("key_figures", language), lines)


def _money(book: Book, language: Language) -> Table:
    """By currency and side, providers and banks apart: a payout is on both, and the same money."""
    parts = ("gross", "refunds", "chargebacks", "fees", "withdrawals", "withdrawal_charges")
    others = ("adjustments", "reserve")
    frame = (
        with_party(book["batches"], book, language)
        .group_by("party", named("currency"))
        .agg(pl.col(*parts, *others, "net").sum(), pl.col("proof").sum())
        .sort("party", "currency")
    )
    where = {"party": "{party}", "currency": "{currency}"}
    net = "{gross}+{refunds}+{chargebacks}-{fees}+{withdrawals}-{withdrawal_charges}"
    shown = (
        *columns("party currency", language),
        *(_sum("batches", name, where, language) for name in (*parts, *others)),
        column("net", language, formula=f"{net}+{{adjustments}}+{{reserve}}"),
        _sum("batches", "proof", where, language, check=True),
    )
    return Table("money", shown, frame, title=text.phrase("money_by_currency", language))


def with_party(frame: pl.DataFrame, book: Book, language: Language) -> pl.DataFrame:
    """Adds `party`: whether an account is a provider's or a bank's."""
    words = text.words(text.PARTIES, language)
    banks = book.days.filter("is_bank")["account"].unique()
    return frame.with_columns(
        party=pl.when(pl.col("account").is_in(banks.implode()))
        .then(pl.lit(words["bank"]))
        .otherwise(pl.lit(words["provider"]))
    )


def _sum(
    table: str, name: str, where: dict[str, str], language: Language, *, check: bool = False
) -> Column:
    return column(name, language, formula=SumOf(table, name, where), check=check)


def _sent(book: Book, language: Language) -> Table:
    """What was paid out, what of it has arrived, and what is still on its way: the rest is 0."""
    arrived = book.receipts.group_by("currency").agg(pl.col("credited", "bank_fee").sum())
    open_ids = set(book.payouts["payout_id"]) - set(book.receipts["payout_id"])
    waiting = pl.col("amount").filter(pl.col("payout_id").is_in(sorted(open_ids))).sum()
    frame = (
        book.payouts.group_by("currency")
        .agg(payout_amount=pl.col("amount").sum(), in_transit=waiting)
        .join(arrived, on="currency", how="left")
        .with_columns(pl.col("credited", "bank_fee").fill_null(ZERO))
        .with_columns(
            proof=pl.col("payout_amount")
            - pl.col("credited")
            - pl.col("bank_fee")
            - pl.col("in_transit")
        )
        .sort("currency")
    )
    where = {"currency": "{currency}"}
    names = ("payout_amount", "credited", "bank_fee", "in_transit")
    shown = (
        column("currency", language),
        *(_sum("chain", name, where, language) for name in names),
        column(
            "proof",
            language,
            formula="{payout_amount}-{credited}-{bank_fee}-{in_transit}",
            check=True,
        ),
    )
    return Table("sent", shown, frame, title=text.phrase("on_the_way", language))


def _discrepancies(book: Book, language: Language) -> Table:
    found = book.discrepancies.group_by(named("currency")).agg(
        row_count=pl.len().cast(pl.Int64),
        difference=pl.col("difference").sum(),
        at_stake=pl.col("difference").abs().sum(),
    )
    where = {"currency": "{currency}"}
    shown = (
        column("currency", language),
        column("row_count", language, formula=CountOf("discrepancies", "discrepancy_id", where)),
        _sum("discrepancies", "difference", where, language),
        column("at_stake", language),
    )
    title = text.phrase("discrepancies_by_currency", language)
    return Table("by_currency", shown, found.sort(pl.col("currency") == NOTHING, "currency"), title)


def _sign_off(book: Book, language: Language) -> Lines:
    """To be filled in by hand; the fingerprint says what was signed."""
    names = ("prepared_by", "reviewed_by")
    lines = [
        Line(name, text.phrase(name, language), (Cell(None), Cell(None), Cell(None)))
        for name in names
    ]
    mark = Line("signed", text.phrase("fact_fingerprint", language), (Cell(book.fingerprint),))
    headings = ("", *(text.phrase(name, language) for name in ("who", "when", "signature")))
    return Lines(text.phrase("sign_off", language), (*lines, mark), headings)
