"""MT940: tags at the start of lines. Our own reader, because every row must keep its line number
and a bad one must be a reject of its own, which no library offers.

A message starts at `:20:`; it has an account `:25:`, an opening balance `:60F:` (or `:60M:` on a
further page), entries `:61:` each with its text `:86:`, and a closing balance `:62F:` or `:62M:`.
`RC` is a credit reversed, hence money out; a letter after the mark is a funds code.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.bank import entries
from recon.providers.bank.entries import ENTRY, BankFile, BankStatement, short_date
from recon.providers.contract import Content, Description, Place, ReadContext, Reading
from recon.tables import columns_of

_TAG: Final = r"^:(\d{2}[A-Z]?):"
_BALANCE: Final = re.compile(r"^([CD])(\d{6})([A-Z]{3})(\d+(?:[.,]\d*)?)")
# Value date, booking date, mark, funds code, amount, type of transaction, reference.
_ENTRY: Final = r"^(\d{6})(\d{4})?(R?[CD])([A-Z])?(\d{1,15}(?:[.,]\d*)?)([A-Z][A-Z0-9]{3})?(.*)$"
_OUT: Final = ("D", "RC")
_KIND_BY_TYPE: Final = {"CHG": "fee", "COM": "fee", "INT": "adjustment"}
_ENDS: Final = ("-", "-}")


def describe(content: Content) -> Description | None:
    for encoding in ("utf-8", "latin-1"):
        try:
            lines = content.head_lines(encoding)
            last = content.tail_lines(encoding)
        except StatementError:
            continue
        tags = [found[1] for line in lines if (found := re.match(_TAG, line))]
        if "20" not in tags or not {"60F", "60M"} & set(tags):
            return None
        account = next((line[4:].strip() for line in lines if line.startswith(":25:")), None)
        closing = [_balance(line[5:]) for line in [*lines, *last] if line.startswith(":62F:")]
        day = closing[-1][0] if closing else None
        return Description(
            "mt940", account, None if day is None else one_day(day), encoding=encoding
        )
    return None


def read(content: Content, context: ReadContext) -> Reading:
    return entries.reading(_file(content), content, context)


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    return entries.places(_file(content))


def _file(content: Content) -> BankFile:
    fields = _fields(content)
    messages = _messages(fields)
    if not messages:
        raise StatementError(f"{content.name}: has no :20: tag, so there is no statement in it")
    return BankFile(tuple(one for one, _ in messages), _entries(fields, messages))


def _fields(content: Content) -> pl.DataFrame:
    """statement (from 0), line_no, tag, and value with its continuation lines."""
    lines = pl.scan_lines(
        content.scannable, name="line", row_index_name="line_no", row_index_offset=1, glob=False
    )
    tag = pl.col("line").str.extract(_TAG)
    return (
        lines.with_columns(pl.col("line").str.strip_prefix("\ufeff").str.strip_chars_end("\r"))
        .filter(~pl.col("line").str.strip_chars().is_in(_ENDS))
        .with_columns(tag=tag, field=tag.is_not_null().cum_sum())
        .filter(pl.col("field") > 0)
        .group_by("field", maintain_order=True)
        .agg(pl.col("line_no", "tag").first(), value=pl.col("line").str.join("\n"))
        .with_columns(
            pl.col("value").str.replace(_TAG, ""),
            statement=(pl.col("tag") == "20").cum_sum().cast(pl.Int64) - 1,
        )
        .filter(pl.col("statement") >= 0)
        .select(pl.col("statement").cast(pl.UInt32), "line_no", "tag", "value")
        .collect()
    )


def _messages(fields: pl.DataFrame) -> list[tuple[BankStatement, str]]:
    """Every statement, with what the keys of its entries begin with: number and closing day."""
    told = fields.filter(~pl.col("tag").is_in(["61", "86"]))
    found: dict[int, dict[str, str]] = {}
    for statement, tag, value in told.select("statement", "tag", "value").iter_rows():
        found.setdefault(statement, {}).setdefault(tag, value)
    return [_message(first) for first in found.values()]


def _message(first: dict[str, str]) -> tuple[BankStatement, str]:
    opened_on, currency, opening = _balance(first.get("60F", first.get("60M", "")))
    closed_on, _, closing = _balance(first.get("62F", first.get("62M", "")))
    number = first.get("28C", first.get("28", "")).strip()
    account = first.get("25", "").strip()
    one = BankStatement(account, currency, opening, closing, opened_on, closed_on)
    return one, f"{number}:{closed_on or ''}"


def _balance(text: str) -> tuple[date | None, str, Decimal | None]:
    found = _BALANCE.match(text.strip())
    if found is None:
        return None, "", None
    sign = 1 if found[1] == "C" else -1
    amount = Decimal(found[4].replace(",", ".").rstrip(".") or "0")
    return short_date(found[2]), found[3], sign * amount


def _entries(fields: pl.DataFrame, messages: list[tuple[BankStatement, str]]) -> pl.DataFrame:
    """ENTRY from the :61: fields, each with the :86: that follows it."""
    owners = pl.DataFrame(
        [(place, one.currency, key) for place, (one, key) in enumerate(messages)],
        schema={"statement": pl.UInt32, "currency": pl.String, "message_key": pl.String},
        orient="row",
    )
    following = pl.col("value").shift(-1).over("statement", order_by="line_no")
    is_text = pl.col("tag").shift(-1).over("statement", order_by="line_no") == "86"
    head, _, rest = (pl.col("value").str.splitn("\n", 2).struct.field(name).fill_null("")
                     for name in ("field_0", "field_0", "field_1"))  # fmt: skip
    main = pl.col("head").str.splitn("//", 2)
    return (
        fields.lazy()
        .with_columns(words=pl.when(is_text).then(following).fill_null(""))
        .filter(pl.col("tag") == "61")
        .with_columns(head=head, rest=rest, place=pl.int_range(1, pl.len() + 1).over("statement"))
        .with_columns(
            bank_reference=main.struct.field("field_1").fill_null("").str.strip_chars(),
            cells=main.struct.field("field_0").str.extract_groups(_ENTRY),
        )
        .with_columns(_cell(number, name) for number, name in enumerate(_CELLS, start=1))
        .join(owners.lazy(), on="statement", how="left", validate="m:1", maintain_order="left")
        .select(
            "statement",
            "line_no",
            "currency",
            "bank_reference",
            number="place",
            booked_on=_booked_on(),
            amount=_amount(),
            key=pl.concat_str(["message_key", "place"], separator=":"),
            kind=pl.col("type").str.tail(3).replace_strict(_KIND_BY_TYPE, default="transfer"),
            status=pl.lit("succeeded"),
            reference=pl.coalesce(
                pl.col("words").str.extract(r"EREF[+/]\s*([^+/?\n]+)"), "own", pl.lit("")
            ).str.strip_chars(),
            text=entries.one_line(pl.concat_str(["words", "rest"], separator="\n")),
            shown="head",
        )
        .select(columns_of(ENTRY))
        .collect()
    )


_CELLS: Final = ("valued", "booked", "mark", "funds", "digits", "type", "own")


def _cell(number: int, name: str) -> pl.Expr:
    return pl.col("cells").struct.field(str(number)).alias(name)


def _amount() -> pl.Expr:
    digits = pl.col("digits").str.replace(",", ".", literal=True).str.strip_suffix(".")
    amount = money.parse(digits, decimals=18)
    return pl.when(pl.col("mark").is_in(_OUT)).then(-amount).otherwise(amount)


def _booked_on() -> pl.Expr:
    """The booking date has no year; it is the one nearest to the value date."""

    def day(year: pl.Expr, month_and_day: pl.Expr) -> pl.Expr:
        text = pl.concat_str([year.cast(pl.String), month_and_day])
        return text.str.to_date("%Y%m%d", strict=False)

    year = pl.col("valued").str.head(2).cast(pl.Int32, strict=False) + 2000
    valued = day(year, pl.col("valued").str.tail(4))
    near = [day(year + offset, pl.col("booked")) for offset in (-1, 0, 1)]
    apart = [(one - valued).dt.total_days().abs() for one in near]
    least = pl.min_horizontal(apart)
    nearest = pl.coalesce(
        pl.when(distance == least).then(one) for distance, one in zip(apart, near, strict=True)
    )
    return (
        pl.when(pl.col("booked").is_null() | (pl.col("booked") == ""))
        .then(valued)
        .when(valued.is_null())
        .then(near[1])
        .otherwise(pl.coalesce(nearest, valued))
    )
