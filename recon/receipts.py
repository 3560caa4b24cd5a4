"""The third way: payouts of the providers against the credits of the bank account they go to.

The same rules and the same engine as between lines and entries: a credit is a line, a payout is
what we expect, and a bank charge is a tolerated difference. What a credit says of itself is looked
through for the numbers of payouts; the rules then see that number as its `parent_ref`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, suggested_action, told
from recon.matching import disagreements, waiting
from recon.matching.engine import Matched, match
from recon.matching.items import ITEM
from recon.matching.rules import MatchRule
from recon.money import ZERO
from recon.tables import DISCREPANCY, OPEN_ITEM, RECEIPT, empty
from recon.wording import Language

# A number tells a payout whenever it comes; how long it may take is in `due_on`.
_WINDOWS = waiting.Windows(line_days=36_500, entry_days=0, date_tolerance_days=36_500)


@dataclass(frozen=True)
class Received:
    """What has arrived at a bank account on a day, what is still on its way, what is wrong."""

    receipts: pl.DataFrame  # RECEIPT
    in_transit: pl.DataFrame  # OPEN_ITEM of side `payout`
    discrepancies: pl.DataFrame  # DISCREPANCY


def receive(
    lines: pl.LazyFrame,
    payouts: pl.DataFrame,
    carried: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> Received:
    """Match the lines of a bank account with what providers have sent to it.

    `lines` is STATEMENT_LINE of the day, `payouts` PAYOUT that have not been received by earlier
    days, `carried` OPEN_ITEM of the day before: what it has reported is not reported again.
    """
    expected = _expected(payouts, carried)
    if expected.height == 0:
        return Received(empty(RECEIPT), empty(OPEN_ITEM), empty(DISCREPANCY))
    credits = _credits(lines, expected)
    items = _item(credits), _item(expected)
    matched = match(*items, rules, _WINDOWS.date_tolerance_days)
    late = waiting.newly_late(matched, _WINDOWS, day.business_date).filter(side="entry")
    left = waiting.open_items(matched, _WINDOWS, day.business_date).filter(side="entry")
    facts = credits, expected
    return Received(
        _receipts(matched, *facts, rules, day),
        left.with_columns(side=pl.lit("payout")).sort("item_id"),
        _discrepancies(matched, late, *facts, rules, day),
    )


def _expected(payouts: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """PAYOUT with `reported`; a payout that was taken back is not expected, nor is its return."""
    reported = carried.filter((pl.col("side") == "payout") & (pl.col("state") == "overdue"))
    taken_back = (pl.col("amount").sum() == ZERO).over("provider", "account", "txn_id", "currency")
    return payouts.filter(~(taken_back & pl.col("txn_id").is_not_null())).with_columns(
        reported=pl.col("payout_id").is_in(reported["item_id"].implode()), item_id="payout_id"
    )


def _credits(lines: pl.LazyFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """STATEMENT_LINE of the account that may be payouts, with `payout_id` where they name one."""
    moved = (
        lines.filter(~pl.col("kind").is_in(["fee", "adjustment"]))
        .unique("line_id")
        .sort("line_id")
        .collect(engine="streaming")
    )
    numbers = pl.concat(
        expected.select("payout_id", word=pl.col(name).str.to_uppercase())
        for name in ("txn_id", "merchant_ref")
    ).drop_nulls("word")
    text = pl.concat_str(
        "merchant_ref", "txn_id", "description", separator=" ", ignore_nulls=True
    ).str.to_uppercase()
    words = text.str.extract_all(r"[^\s,;:()]+")
    whole = _naming(
        moved, pl.concat_list(words, pl.col("merchant_ref").str.to_uppercase()), numbers
    )
    # Banks wrap long texts, and leave a blank where the line was broken.
    long = numbers.filter(pl.col("word").str.len_chars() >= _LONG)
    unbroken = text.str.replace_all(r"\s", "")
    found = unbroken.str.extract_many(pl.lit(long["word"].unique().sort().implode()))
    wrapped = _naming(moved.join(whole, on="line_id", how="anti"), found, long)
    return moved.join(pl.concat([whole, wrapped]), on="line_id", how="left").sort("line_id")


_LONG = 10  # letters of a number that is no part of another word by chance


def _naming(moved: pl.DataFrame, words: pl.Expr, numbers: pl.DataFrame) -> pl.DataFrame:
    """line_id and payout_id of the lines that name one payout; of several the amounts must tell."""
    return (
        moved.select("line_id", word=words)
        .explode("word")
        .join(numbers, on="word", how="inner")
        .group_by("line_id")
        .agg(pl.col("payout_id").unique())
        .filter(pl.col("payout_id").list.len() == 1)
        .explode("payout_id")
    )


def _item(frame: pl.DataFrame) -> pl.DataFrame:
    """Credits, or expected payouts, as ITEM; both are known by the number of the payout."""
    is_credit = "line_id" in frame.columns
    known = {
        "item_id": pl.col("line_id" if is_credit else "payout_id"),
        "amount": pl.col("gross" if is_credit else "amount"),
        "parent_ref": pl.col("payout_id"),
        "kind": pl.lit("transfer"),
        "reported": pl.lit(value=False) if is_credit else pl.col("reported"),
        "due_on": pl.lit(None) if is_credit else pl.col("due_on"),
        "status": pl.lit(None),
        "txn_id": pl.lit(None),
        "merchant_ref": pl.lit(None),
        "parent_txn_id": pl.lit(None),
    }
    made = frame.with_columns(**known)
    return made.select(
        (pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in ITEM.items()
    )


def _receipts(
    matched: Matched,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> pl.DataFrame:
    """RECEIPT of clean pairs and of groups; in a group the single side is shared out."""
    pairs = matched.pairs.filter("clean").select("pass", "line_row", "entry_row", group=None)
    members = matched.groups.filter(verdict="matched").select("group", "side", "row", "pass")
    grouped = members.filter(side="line").join(
        members.filter(side="entry"), on=["group", "pass"], how="inner", suffix="_entry"
    )
    rows = pl.concat(
        [
            pairs.select("pass", "line_row", "entry_row", is_group=pl.lit(value=False)),
            grouped.select(
                "pass", line_row="row", entry_row="row_entry", is_group=pl.lit(value=True)
            ),
        ]
    )
    credit, payout = credits[rows["line_row"]], expected[rows["entry_row"]]
    # Of a group, the smaller of the two is the share: the other side is the single one.
    amounts = pl.DataFrame(
        {"credit": credit["gross"], "payout": payout["amount"], "is_group": rows["is_group"]}
    ).select(
        pl.when("is_group").then(_smaller("credit", "payout")).otherwise(name).alias(name)
        for name in ("credit", "payout")
    )
    made = pl.DataFrame(
        {
            "payout_id": payout["payout_id"],
            "payout_provider": payout["provider"],
            "payout_account": payout["account"],
            "batch_id": payout["batch_id"],
            "paid_on": payout["business_date"],
            "line_id": credit["line_id"],
            "currency": payout["currency"],
            "payout_amount": amounts["payout"],
            "credited": amounts["credit"],
        }
    ).with_columns(
        rows["pass"],
        receipt_id=sentence("{}>{}", "payout_id", "line_id"),
        received_on=pl.lit(day.business_date),
        bank_fee=pl.col("payout_amount") - pl.col("credited"),
    )
    return (
        made.with_columns(rule=disagreements.rule_name(rules))
        .select(pl.col(name).cast(dtype) for name, dtype in RECEIPT.items())
        .sort("receipt_id")
    )


def _smaller(one: str, other: str) -> pl.Expr:
    return pl.when(pl.col(one).abs() < pl.col(other).abs()).then(one).otherwise(other)


def _discrepancies(
    matched: Matched,
    late: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> pl.DataFrame:
    parts = [
        _unequal(matched, late, credits, expected, rules, day),
        _not_received(matched, late, credits, expected, day.language),
    ]
    found = [complete(part, day) for part in parts if part.height]
    return pl.concat(found).sort("discrepancy_id") if found else empty(DISCREPANCY)


def _unequal(
    matched: Matched,
    late: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> pl.DataFrame:
    """Payouts and credits that belong together and are not the same money."""
    off = matched.pairs.filter(~pl.col("clean")).with_row_index("group")
    pairs = pl.concat(
        off.select(pl.lit(side).alias("side"), "group", "pass", row=f"{side}_row")
        for side in ("line", "entry")
    )
    due = pl.col("group").is_in(late["group"].drop_nulls().implode())
    disputed = matched.groups.filter(
        ~pl.col("verdict").is_in(["matched", "split"]) | ((pl.col("verdict") == "split") & due)
    ).select("side", pl.col("group") + off.height, "pass", "row")
    members = pl.concat([pairs, disputed])
    both = _sent(members, expected).join(
        _arrived(members, credits), on="group", how="inner", validate="1:1"
    )
    is_same = pl.col("currency") == pl.col("arrived_currency")
    return both.select(
        "currency",
        "amount_ledger",
        "line_ids",
        "txn_id",
        "merchant_ref",
        discrepancy_id=sentence("receipt:{}", "payout_id"),
        type=pl.lit("payout_mismatch"),
        amount_provider=pl.when(is_same).then("amount_provider"),
        rule=disagreements.rule_name(rules),
        explanation=told(
            day.language,
            "payout_mismatch",
            payer=sentence("{} {}", "provider", "account"),
            sent=amount_text("amount_ledger"),
            reference=pl.coalesce("merchant_ref", "txn_id", "payout_id"),
            arrived=amount_text("amount_provider", "arrived_currency"),
        ),
    )


def _arrived(members: pl.DataFrame, credits: pl.DataFrame) -> pl.DataFrame:
    credit = credits.select("line_id", "gross", "currency").with_row_index("row")
    return (
        members.filter(side="line")
        .join(credit, on="row", how="inner")
        .group_by("group")
        .agg(
            line_ids=pl.col("line_id").sort(),
            amount_provider=pl.col("gross").sum(),
            arrived_currency=pl.col("currency").first(),
        )
    )


def _sent(members: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    payout = expected.select(
        "payout_id", "amount", "provider", "account", "currency", "txn_id", "merchant_ref"
    ).with_row_index("row")
    return (
        members.filter(side="entry")
        .join(payout, on="row", how="inner")
        .sort("payout_id")
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("pass", "provider", "account", "currency", "txn_id", "merchant_ref").first(),
            payout_id=pl.col("payout_id").first(),
            amount_ledger=pl.col("amount").sum(),
        )
    )


def _not_received(
    matched: Matched,
    late: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    language: Language,
) -> pl.DataFrame:
    """Payouts whose time is over; one with several candidates is ambiguous, and none is taken."""
    names = credits.select(candidate="line_id").with_row_index("candidates")
    doubts = (
        matched.doubts.filter(side="entry")
        .select("row", "candidates")
        .explode("candidates")
        .join(names, on="candidates", how="inner")
        .group_by("row")
        .agg(line_ids=pl.col("candidate").sort())
    )
    alone = late.filter(pl.col("group").is_null()).select("row")
    facts = (
        expected.with_row_index("row")
        .join(alone, on="row", how="semi")
        .join(doubts, on="row", how="left")
    )
    is_doubtful = pl.col("line_ids").is_not_null()
    return facts.select(
        "currency",
        "line_ids",
        "txn_id",
        "merchant_ref",
        discrepancy_id=sentence("receipt:{}", "payout_id"),
        type=pl.when(is_doubtful)
        .then(pl.lit("ambiguous_match"))
        .otherwise(pl.lit("payout_not_received")),
        amount_ledger="amount",
        explanation=pl.concat_str(
            told(
                language,
                "payout_not_received",
                payer=sentence("{} {}", "provider", "account"),
                sent=amount_text("amount"),
                day="business_date",
                reference=pl.coalesce("merchant_ref", "txn_id", "payout_id"),
                due="due_on",
            ),
            told(language, "payout_in_doubt", candidates=pl.col("line_ids").list.join(", ")),
            ignore_nulls=True,
        ),
    )


def unidentified(found: pl.DataFrame, receipts: pl.DataFrame, language: Language) -> pl.DataFrame:
    """DISCREPANCY of a bank account, where a credit that neither the ledger nor a payout explains
    is called what it is."""
    received = pl.col("line_ids").list.first().is_in(receipts["line_id"].implode())
    is_stranger = (
        (pl.col("type") == "missing_in_ledger") & (pl.col("amount_provider") > ZERO) & ~received
    )
    said = told(
        language,
        "unidentified_receipt",
        amount=amount_text("amount_provider"),
        reference=pl.coalesce("merchant_ref", "txn_id", pl.col("line_ids").list.first()),
        day="business_date",
    )
    stranger = pl.lit("unidentified_receipt")
    return found.with_columns(
        type=pl.when(is_stranger).then(stranger).otherwise("type"),
        explanation=pl.when(is_stranger).then(said).otherwise("explanation"),
    ).with_columns(suggested_action=suggested_action(language))
