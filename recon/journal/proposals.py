"""The entry that would settle a discrepancy in the books, by its type; nothing where it is open to
question, with the reason."""

from typing import Final

import polars as pl

from recon.book_tables import PROPOSED_ENTRY
from recon.journal.accounts import ROLE_BY_KIND
from recon.journal.phrases import UNSURE, WHY_NOT
from recon.money import ZERO
from recon.tables import empty
from recon.wording import LANGUAGES, Language, words

_BOOKED: Final = "booked"  # stands for the account the ledger books that kind of movement on
_HELD: Final = "held"  # clearing while the row is an open item, suspense once it is not
_CONVERTED: Final = "fx_variance of a conversion"  # what it gained or lost is on `fx` already

# Type: the accounts that are debited and credited when the difference is positive, that is when the
# provider's amount is higher than ours; the other way round when it is negative.
ENTRIES: Final[dict[str, tuple[str, str]]] = {
    "missing_in_ledger": (_HELD, _BOOKED),
    "refund_unlinked": (_HELD, _BOOKED),
    "chargeback_unrecorded": (_HELD, _BOOKED),
    "missing_in_provider": (_HELD, _BOOKED),
    "duplicate_in_ledger": (_HELD, _BOOKED),
    "amount_mismatch": (_HELD, _BOOKED),
    "direction_mismatch": (_HELD, _BOOKED),
    "fx_variance": (_BOOKED, "fx"),
    _CONVERTED: ("fx", "claims"),
    "unidentified_receipt": (_HELD, "unidentified"),
    "fee_variance": ("claims", "fees"),
    "withdrawal_charge_variance": ("claims", "withdrawal_charges"),
}


def proposed_entries(
    discrepancies: pl.DataFrame,
    lines: pl.LazyFrame,
    entries: pl.LazyFrame,
    carried: pl.DataFrame,
    language: Language = "en",
) -> pl.DataFrame:
    """DISCREPANCY -> PROPOSED_ENTRY, one row each, sorted by id.

    What kind of movement it is, STATEMENT_LINE, LEDGER_ENTRY or the OPEN_ITEM after the day tell.
    """
    if discrepancies.height == 0:
        return empty(PROPOSED_ENTRY)
    known = _members(discrepancies, lines, entries, carried)
    facts = discrepancies.join(known, on="discrepancy_id", how="left", validate="1:1")
    booked = pl.col("kind").replace_strict(ROLE_BY_KIND, default=None, return_dtype=pl.String)
    held = pl.when("is_carried").then(pl.lit("clearing")).otherwise(pl.lit("suspense"))
    kind_of_entry = pl.when(type="fx_variance", kind="conversion").then(pl.lit(_CONVERTED))
    facts = facts.with_columns(entry=kind_of_entry.otherwise("type"))
    more, less = _account(0, booked, held), _account(1, booked, held)
    is_more = pl.col("difference") > ZERO
    made = facts.with_columns(
        amount=pl.col("difference").abs(),
        debit=pl.when(is_more).then(more).otherwise(less),
        credit=pl.when(is_more).then(less).otherwise(more),
        memo="explanation",
        why_not=pl.col("type").replace_strict(
            words(WHY_NOT, language), default=None, return_dtype=pl.String
        ),
    )
    nothing = pl.col("why_not").is_null() & (
        (pl.col("amount") == ZERO) | pl.col("debit").is_null() | pl.col("credit").is_null()
    )
    unsure = pl.when(nothing).then(pl.lit(UNSURE[LANGUAGES.index(language)]))
    reasoned = made.with_columns(why_not=pl.coalesce("why_not", unsure))
    is_open = pl.col("why_not").is_not_null()
    blank = {
        name: pl.when(~is_open).then(name) for name in ("debit", "credit", "amount", "currency")
    }
    return (
        reasoned.with_columns(**blank)
        .select(pl.col(name).cast(dtype) for name, dtype in PROPOSED_ENTRY.items())
        .sort("discrepancy_id")
    )


def _account(place: int, booked: pl.Expr, held: pl.Expr) -> pl.Expr:
    """The debited (0) or credited (1) account, for a positive difference."""
    special = {_BOOKED: booked, _HELD: held}
    return pl.coalesce(
        pl.when(pl.col("entry") == name).then(special.get(pair[place], pl.lit(pair[place])))
        for name, pair in ENTRIES.items()
    )


def _members(
    discrepancies: pl.DataFrame, lines: pl.LazyFrame, entries: pl.LazyFrame, carried: pl.DataFrame
) -> pl.DataFrame:
    """discrepancy_id, kind and `is_carried` of what each discrepancy is about; a repeated line is
    called `...#2`."""
    ids = pl.concat(
        discrepancies.select("discrepancy_id", item_id=name).explode("item_id").drop_nulls()
        for name in ("line_ids", "entry_ids")
    ).with_columns(row_id=pl.col("item_id").str.replace(r"#\d+$", ""))
    wanted = pl.concat([ids["item_id"], ids["row_id"]]).unique().implode()
    found = pl.collect_all(
        [
            lines.select(row_id="line_id", kind="kind").filter(pl.col("row_id").is_in(wanted)),
            entries.select(row_id="entry_id", kind="kind").filter(pl.col("row_id").is_in(wanted)),
        ],
        engine="streaming",
    )
    # A credit that waits for its entry may wait as a part of a payout, too.
    kept = carried.filter(pl.col("side").is_in(["line", "entry"]))
    of_kept = kept.select(row_id="item_id", kind="kind")
    kinds = pl.concat([*found, of_kept]).unique("row_id", keep="first", maintain_order=True)
    return (
        ids.join(kinds, on="row_id", how="left", validate="m:1")
        .group_by("discrepancy_id")
        .agg(
            kind=pl.col("kind").drop_nulls().first(),
            is_carried=pl.col("item_id").is_in(kept["item_id"].implode()).any(),
        )
    )
