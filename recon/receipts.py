"""The third way: payouts of the providers against the credits of the bank account they go to.

The same rules and the same engine as between lines and entries: a credit is a line, a payout is
what we expect, and a bank charge is a tolerated difference. What a credit says of itself is looked
through for the numbers of payouts; the rules then see that number as its `parent_ref`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.matching import disagreements, naming, waiting
from recon.matching.engine import Matched, match
from recon.matching.items import ITEM
from recon.matching.rules import MatchRule
from recon.money import MONEY, ZERO
from recon.tables import DISCREPANCY, OPEN_ITEM, RECEIPT, conform, empty
from recon.unidentified import OF_PAYOUTS, of_payouts
from recon.wording import Language

# A number tells a payout whenever it comes; how long it may take is in `due_on`.
_WINDOWS = waiting.Windows(line_days=36_500, entry_days=0, date_tolerance_days=36_500)


@dataclass(frozen=True)
class Received:
    """What has arrived at a bank account on a day, what is still on its way, what is wrong."""

    receipts: pl.DataFrame  # RECEIPT
    in_transit: pl.DataFrame  # OPEN_ITEM of sides `payout` and, of parts that came, `credit`
    discrepancies: pl.DataFrame  # DISCREPANCY
    of_payouts: pl.DataFrame  # OF_PAYOUTS


NOTHING_RECEIVED: Final = Received(
    empty(RECEIPT), empty(OPEN_ITEM), empty(DISCREPANCY), empty(OF_PAYOUTS)
)


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
        return NOTHING_RECEIVED
    credits, expected = naming.keyed(_credits(lines, carried), expected, rules)
    items = _item(credits), _item(expected)
    matched = match(*items, rules, _WINDOWS.date_tolerance_days)
    late = waiting.newly_late(matched, _WINDOWS, day.business_date).filter(side="entry")
    left = waiting.open_items(matched, _WINDOWS, day.business_date).filter(side="entry")
    facts = credits, expected
    in_transit = [left.with_columns(side=pl.lit("payout")), _parts_so_far(matched, *facts, day)]
    receipts = _receipts(matched, *facts, rules, day)
    found = [
        _unequal(matched, late, *facts, rules, day),
        _not_received(matched, late, *facts, day.language),
        _early(receipts, expected, day.language),
    ]
    told_of = [complete(part, day) for part in found if part.height]
    return Received(
        receipts,
        pl.concat(in_transit).sort("side", "item_id"),
        pl.concat([empty(DISCREPANCY), *told_of]).sort("discrepancy_id"),
        of_payouts(matched, *facts),
    )


def _expected(payouts: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """PAYOUT with `reported`; a payout that was taken back is not expected, nor is its return."""
    reported = carried.filter((pl.col("side") == "payout") & (pl.col("state") == "overdue"))
    taken_back = (pl.col("amount").sum() == ZERO).over("provider", "account", "txn_id", "currency")
    return payouts.filter(~(taken_back & pl.col("txn_id").is_not_null())).with_columns(
        reported=pl.col("payout_id").is_in(reported["item_id"].implode()), item_id="payout_id"
    )


def _credits(lines: pl.LazyFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """STATEMENT_LINE of the account that may be payouts, and parts of some that came before."""
    moved = (
        lines.filter(~pl.col("kind").is_in(["fee", "adjustment"]))
        .unique("line_id")
        .collect(engine="streaming")
    )
    before = carried.filter(side="credit").select(
        "currency", "business_date", line_id="item_id", gross="amount", merchant_ref="merchant_ref"
    )
    both = [moved.with_columns(is_new=pl.lit(value=True)), before]
    return pl.concat(both, how="diagonal_relaxed").unique("line_id").sort("line_id")


def _parts_so_far(
    matched: Matched, credits: pl.DataFrame, expected: pl.DataFrame, day: Day
) -> pl.DataFrame:
    """OPEN_ITEM of credits that are parts of a payout: the rest may come on another day."""
    rows = matched.groups.filter(side="line", verdict="split")["row"]
    waiting_for = expected.select("key", number=pl.coalesce("txn_id", "merchant_ref", "payout_id"))
    parts = credits[rows].join(waiting_for.unique("key", keep="first"), on="key", how="left")
    made = parts.with_columns(
        side=pl.lit("credit"),
        item_id="line_id",
        kind=pl.lit("transfer"),
        due_on=pl.lit(day.business_date),
        merchant_ref="number",  # what tomorrow finds the payout by
        amount="gross",
        state=pl.lit("open"),
    )
    return conform(made, OPEN_ITEM)


def _item(frame: pl.DataFrame) -> pl.DataFrame:
    """Credits, or expected payouts, as ITEM; both are known by the number of a payout."""
    is_credit = "line_id" in frame.columns
    known = {
        "item_id": pl.col("line_id" if is_credit else "payout_id"),
        "amount": pl.col("gross" if is_credit else "amount"),
        "parent_ref": pl.col("key"),
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
    pairs = matched.pairs.filter("clean")
    members = matched.groups.filter(verdict="matched").select("group", "side", "row", "pass")
    grouped = members.filter(side="line").join(
        members.filter(side="entry"), on=["group", "pass"], how="inner", suffix="_entry"
    )
    rows = pl.concat(
        [
            pairs.select("pass", "line_row", "entry_row", group=pl.lit(None, dtype=pl.UInt32)),
            grouped.select("pass", line_row="row", entry_row="row_entry", group="group"),
        ]
    )
    credit, payout = credits[rows["line_row"]], expected[rows["entry_row"]]
    amounts = _shares(rows, credit, payout)
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


def _shares(rows: pl.DataFrame, credit: pl.DataFrame, payout: pl.DataFrame) -> pl.DataFrame:
    """What each row has of its payout and of its credit (`payout`, `credit`).

    In a group one of the two is single and shared out by the amounts of the others; what a bank has
    kept of it, or added, is told on its largest share.
    """
    facts = pl.DataFrame(
        {
            "group": rows["group"],
            "credit": credit["gross"],
            "payout": payout["amount"],
            "line_id": credit["line_id"],
            "payout_id": payout["payout_id"],
        }
    )
    in_group = pl.col("group").is_not_null()
    one_credit = (pl.col("line_id").n_unique() == 1).over("group")
    share = pl.when(one_credit).then("payout").otherwise("credit")
    size = pl.struct(share.abs(), "line_id", "payout_id").rank("ordinal").over("group")
    is_largest = size == pl.len().over("group")
    shared = pl.when(one_credit).then("credit").otherwise("payout")
    rest = pl.when(is_largest).then(shared - share.sum().over("group")).otherwise(ZERO)
    whole = (share + rest).cast(MONEY)
    return facts.select(
        payout=pl.when(in_group & ~one_credit).then(whole).otherwise("payout"),
        credit=pl.when(in_group & one_credit).then(whole).otherwise("credit"),
    )


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
    of_today = [late["group"].drop_nulls(), _grown(matched, credits, expected)]
    due = pl.col("group").is_in(pl.concat(of_today).implode())
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
        explanation=_told(
            day.language,
            "payout_due_unequal",
            "payout_mismatch",
            sent=amount_text("amount_ledger"),
            arrived=amount_text("amount_provider", "arrived_currency"),
        ),
    )


def _grown(matched: Matched, credits: pl.DataFrame, expected: pl.DataFrame) -> pl.Series:
    """The groups of payouts that were reported before and of which another part has come today:
    what is missing of them is another amount now."""
    split = matched.groups.filter(verdict="split")
    reported = expected.select("reported").with_row_index("row").filter("reported")
    came = credits.select("is_new").with_row_index("row").filter("is_new")
    known = split.filter(side="entry").join(reported, on="row", how="semi")
    parts = split.filter(side="line").join(came, on="row", how="semi")
    return parts.join(known, on="group", how="semi")["group"]


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


_FACTS: Final = (
    *("provider", "account", "currency", "business_date", "txn_id", "merchant_ref", "arithmetic"),
)


def _told(language: Language, by_cycle: str, by_statement: str, **gaps: pl.Expr | str) -> pl.Expr:
    """What is told of a payout, which a settlement cycle or a statement speaks of."""
    gaps |= {
        "payer": sentence("{} {}", "provider", "account"),
        "day": "business_date",
        "arithmetic": "arithmetic",
        "reference": pl.coalesce("merchant_ref", "txn_id", "payout_id"),
    }
    return pl.coalesce(told(language, by_cycle, **gaps), told(language, by_statement, **gaps))


def _early(receipts: pl.DataFrame, expected: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Payouts that have arrived before the day on which the settlement cycle pays them."""
    arrived = receipts.select("payout_id", "received_on", "line_id", "credited")
    early = arrived.join(expected, on="payout_id", how="inner").filter(
        pl.col("received_on") < pl.col("business_date"), pl.col("arithmetic").is_not_null()
    )
    days = (pl.col("business_date") - pl.col("received_on")).dt.total_days()
    return (
        early.group_by("payout_id", maintain_order=True)
        .agg(
            pl.col("amount", "received_on", *_FACTS).first(),
            line_ids=pl.col("line_id").sort(),
            amount_provider=pl.col("credited").sum(),
        )
        .select(
            "currency",
            "line_ids",
            "merchant_ref",
            "amount_provider",
            discrepancy_id=sentence("receipt:{}", "payout_id"),
            type=pl.lit("payout_mismatch"),
            amount_ledger="amount",
            explanation=told(
                language,
                "payout_due_early",
                payer=sentence("{} {}", "provider", "account"),
                sent=amount_text("amount"),
                day="business_date",
                arithmetic="arithmetic",
                days=days,
            ),
        )
    )


def _sent(members: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    payout = expected.select("payout_id", "amount", *_FACTS).with_row_index("row")
    return (
        members.filter(side="entry")
        .join(payout, on="row", how="inner")
        .sort("payout_id")
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("pass", *_FACTS).first(),
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
            _told(
                language,
                "payout_due_not_received",
                "payout_not_received",
                sent=amount_text("amount"),
                due="due_on",
            ),
            told(language, "payout_in_doubt", candidates=pl.col("line_ids").list.join(", ")),
            ignore_nulls=True,
        ),
    )
