"""The third way: payouts of the providers against the credits of the bank account they go to.

The same rules and the same engine as between lines and entries: a credit is a line, a payout is
what we expect, and a bank charge is a tolerated difference. What a credit says of itself is looked
through for the numbers of payouts; the rules then see that number as its `parent_ref`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from recon import arrivals
from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.matching import disagreements, naming, short, waiting
from recon.matching.engine import Matched, match
from recon.matching.items import ITEM
from recon.matching.rules import MatchRule
from recon.money import MONEY, ZERO
from recon.row_wording import rule_in
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

    @property
    def known_credits(self) -> pl.Series:
        """The ids of credits that belong to a payout, or may be one of several."""
        in_doubt = self.in_transit.filter(side="credit")["item_id"]
        return pl.concat([self.of_payouts["line_id"], in_doubt])


NOTHING_RECEIVED: Final = Received(
    empty(RECEIPT), empty(OPEN_ITEM), empty(DISCREPANCY), empty(OF_PAYOUTS)
)


def receive(
    lines: pl.LazyFrame,
    payouts: pl.DataFrame,
    carried: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
    given_up: pl.DataFrame,
) -> Received:
    """Match the lines of a bank account with what providers have sent to it.

    `lines` is STATEMENT_LINE of the day, `payouts` PAYOUT that have not been received by earlier
    days, `carried` OPEN_ITEM of the day before: what it has reported is not reported again.
    `given_up` is PAYOUT that was written off: a credit that names one, and none that is expected,
    is told.
    """
    if given_up.is_empty():
        return _received(lines, payouts, carried, rules, day)
    credits = _credits(lines, carried.clear())
    expected = naming.named(credits, payouts)
    of_given_up = naming.named(credits, given_up).join(expected, on="line_id", how="anti")
    came = of_given_up.unique("line_id", keep="first", maintain_order=True)
    others = lines.filter(~pl.col("line_id").is_in(came["line_id"].implode()))
    found = _received(others, payouts, carried, rules, day)
    after_all = complete(arrivals.after_all(came, credits, given_up, day.language), day)
    return replace(
        found,
        discrepancies=pl.concat([found.discrepancies, after_all]).sort("discrepancy_id"),
        of_payouts=pl.concat([found.of_payouts, came.select(list(OF_PAYOUTS))]),
    )


def _received(
    lines: pl.LazyFrame,
    payouts: pl.DataFrame,
    carried: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> Received:
    expected = _expected(payouts, carried)
    if expected.height == 0:
        return NOTHING_RECEIVED
    exact = [rule for rule in rules if not rule.tells_difference]
    credits, expected = naming.keyed(_credits(lines, carried), expected, exact)
    on_its_way_back, expected = _parted(credits, expected)
    items = _item(credits), _item(expected)
    matched = match(*items, exact, _WINDOWS.date_tolerance_days)
    by_amount = short.short(matched, *items, rules)
    if by_amount.height:
        credits = short.with_short(credits, expected, by_amount)
        matched = match(_item(credits), items[1], exact, _WINDOWS.date_tolerance_days)
    late = waiting.newly_late(matched, _WINDOWS, day.business_date).filter(side="entry")
    left = waiting.open_items(matched, _WINDOWS, day.business_date).filter(side="entry")
    facts = credits, expected
    in_transit = [
        left.with_columns(side=pl.lit("payout")),
        _not_awaited(on_its_way_back, day),
        _undecided(matched, *facts, left, day),
    ]
    receipts = _receipts(_together(matched, *facts), *facts, exact, day)
    found = [
        arrivals.unequal(matched, late, *facts, exact, day),
        arrivals.not_received(matched, late, *facts, exact, day.language),
        arrivals.early(receipts, expected, day.language),
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


def _parted(credits: pl.DataFrame, expected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Payouts that the provider has reversed and no credit names, and all others."""
    is_named = pl.col("key").is_in(credits["key"].drop_nulls().implode())
    is_reversed = (pl.col("status") == "reversed").fill_null(value=False) & ~is_named
    return expected.filter(is_reversed), expected.filter(~is_reversed)


def _not_awaited(payouts: pl.DataFrame, day: Day) -> pl.DataFrame:
    """OPEN_ITEM of payouts that are on their way back, until a line of the provider says so."""
    made = _item(payouts).with_columns(
        side=pl.lit("payout"),
        due_on=pl.max_horizontal("due_on", pl.lit(day.business_date)),
        status=pl.lit("reversed"),
        state=pl.lit("open"),
    )
    return conform(made, OPEN_ITEM)


def _credits(lines: pl.LazyFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """STATEMENT_LINE of the account that may be payouts, and parts of some that came before; what
    a bank announces has moved nothing yet, so nothing of a payout has arrived with it."""
    moved = (
        lines.filter(~pl.col("kind").is_in(["fee", "adjustment"]), pl.col("gross") != ZERO)
        .unique("line_id")
        .collect(engine="streaming")
    )
    before = carried.filter(side="credit").select(
        "currency", "business_date", line_id="item_id", gross="amount", merchant_ref="merchant_ref"
    )
    both = [moved.with_columns(is_new=pl.lit(value=True)), before]
    return pl.concat(both, how="diagonal_relaxed").unique("line_id").sort("line_id")


def _undecided(
    matched: Matched,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    left: pl.DataFrame,
    day: Day,
) -> pl.DataFrame:
    """OPEN_ITEM of credits that are parts of a payout, the rest of which may come on another day,
    or that may be one of several payouts, which another credit may settle."""
    rows = matched.groups.filter(side="line", verdict="split")["row"]
    # A search that came to no end may find more as long as payouts are awaited.
    awaited = pl.col("currency").is_in(left.filter(state="open")["currency"].unique().implode())
    doubts = matched.doubts.filter(side="line").join(
        credits.select("currency").with_row_index("row"), on="row", how="inner"
    )
    in_doubt = doubts.filter((pl.col("count") > 0) | awaited)["row"]
    waiting_for = expected.select("key", number=pl.coalesce("txn_id", "merchant_ref", "payout_id"))
    parts = credits[pl.concat([rows, in_doubt]).unique().sort()].join(
        waiting_for.unique("key", keep="first"), on="key", how="left", maintain_order="left"
    )
    made = parts.with_columns(
        side=pl.lit("credit"),
        item_id="line_id",
        kind=pl.lit("transfer"),
        due_on=pl.lit(day.business_date),
        # What tomorrow finds the payout by.
        merchant_ref=pl.when(short.is_short())
        .then("merchant_ref")
        .otherwise(pl.coalesce("number", "merchant_ref")),
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


def _together(matched: Matched, credits: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Rows (pass, line_row, entry_row, group, count) of clean pairs and of groups: who belongs to
    whom. `group` is that of rows that share one credit or one payout; `count` of as many of either,
    which are all alike, and therefore paired in order of date."""
    is_line = pl.col("side") == "line"
    counts = [side.sum().over("group") for side in (is_line, ~is_line)]
    are_alike = pl.all_horizontal(count > 1 for count in counts)
    members = matched.groups.filter(verdict="matched").with_columns(are_alike=are_alike)
    in_order = pl.struct("amount", "business_date", "item_id").rank("ordinal").over("group")
    sides = []
    for side, frame in (("line", _item(credits)), ("entry", _item(expected))):
        of_side = members.filter(side=side)
        facts = frame.select("amount", "business_date", "item_id")[of_side["row"]]
        numbered = pl.concat([of_side, facts], how="horizontal").with_columns(
            place=pl.when("are_alike").then(in_order).otherwise(0), count=pl.len().over("group")
        )
        sides.append(numbered.select("pass", "group", "are_alike", "place", "count", "row"))
    grouped = sides[0].join(sides[1], on=["pass", "group", "place"], how="inner", suffix="_entry")
    chosen = grouped.select(
        "pass",
        line_row="row",
        entry_row="row_entry",
        group=pl.when(~pl.col("are_alike")).then("group"),
        count=pl.when("are_alike").then("count"),
    )
    pairs = matched.pairs.filter("clean").select("pass", "line_row", "entry_row")
    return pl.concat([pairs, chosen], how="diagonal")


def _receipts(
    rows: pl.DataFrame,
    credits: pl.DataFrame,
    expected: pl.DataFrame,
    rules: Sequence[MatchRule],
    day: Day,
) -> pl.DataFrame:
    """RECEIPT of what belongs `_together`; in a group the single side is shared out."""
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
        rows["count"],
        receipt_id=sentence("{}>{}", "payout_id", "line_id"),
        received_on=credit["business_date"],
        bank_fee=pl.col("payout_amount") - pl.col("credited"),
    )
    rule = disagreements.rule_name(rules)
    in_order = told(
        day.language,
        "in_order_of_date",
        rule=rule_in(rule, day.language),
        count="count",
        amount=amount_text("payout_amount"),
    )
    return (
        made.with_columns(rule=pl.coalesce(in_order, rule))
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


def told_once(
    found: pl.DataFrame, received: Received, payouts: pl.DataFrame, language: Language
) -> tuple[pl.DataFrame, Received]:
    """One difference, one discrepancy, where the ledger has booked a payout as it was sent and not
    as it came: DISCREPANCY of matching, and what was received.

    Where the payout is told today, the entry is told with it; where its time is not over yet, the
    entry tells it, and it waits for its rest as one that was told.
    """
    booked = (
        found.filter(type="amount_mismatch")
        .with_columns(line_id=pl.col("line_ids").list.first())
        .select("discrepancy_id", "amount_ledger", "entry_ids", "line_id")
        .join(received.of_payouts, on="line_id", how="inner")
        .join(payouts, on="payout_id", how="inner")
        .filter(pl.col("amount_ledger") == pl.col("amount"))
        .with_columns(receipt=sentence("receipt:{}", "payout_id"))
        .sort("discrepancy_id")
        .unique("receipt", keep="first", maintain_order=True)  # of two entries one is too many
    )
    if booked.height == 0:
        return found, received
    told_today = pl.col("receipt").is_in(received.discrepancies["discrepancy_id"].implode())
    with_payout, alone = booked.filter(told_today), booked.filter(~told_today)
    entries = with_payout.select(discrepancy_id="receipt", booked="entry_ids")
    arrived = received.discrepancies.join(
        entries, on="discrepancy_id", how="left", validate="1:1", maintain_order="left"
    ).with_columns(entry_ids=pl.coalesce("booked", "entry_ids"))
    causes = alone.select(
        "discrepancy_id",
        cause=told(
            language,
            "payout_came_short",
            payer=sentence("{} {}", "provider", "account"),
            reference=pl.coalesce("merchant_ref", "txn_id", "payout_id"),
        ),
    )
    once = (
        found.join(with_payout, on="discrepancy_id", how="anti")
        .join(causes, on="discrepancy_id", how="left", validate="1:1", maintain_order="left")
        .with_columns(pl.concat_str("explanation", "cause", ignore_nulls=True))
    )
    is_told = (pl.col("side") == "payout") & pl.col("item_id").is_in(alone["payout_id"].implode())
    in_transit = received.in_transit.with_columns(
        state=pl.when(is_told).then(pl.lit("overdue")).otherwise("state")
    )
    return once.select(found.columns), replace(
        received,
        in_transit=in_transit,
        discrepancies=arrived.select(received.discrepancies.columns),
    )
