"""The arithmetic of a fee as text, for the lines that someone looks at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

import polars as pl

from recon.discrepancies import filled, sentence
from recon.fees import charge
from recon.fees.phrases import ARITHMETIC, ROUNDINGS
from recon.fees.schedule import Tariff
from recon.money import MONEY, ZERO, Rounding, round_to, to_display
from recon.wording import LANGUAGES, Language


def with_arithmetic(
    assessed: pl.DataFrame, tariffs: Sequence[Tariff], language: Language = "en"
) -> pl.DataFrame:
    """ASSESSED_FEE with a column `arithmetic`: `260.00 x 0.6% = 1.56`; in the same order.

    Made for lines that are shown, a tariff row at a time: text costs more than the fees do.
    """
    place = "#place"
    groups = assessed.with_row_index(place).partition_by(
        "tariff_row", "component", maintain_order=True
    )
    said = [group.with_columns(arithmetic=_said(group, tariffs, language)) for group in groups]
    if not said:
        return assessed.with_columns(arithmetic=pl.lit(None, dtype=pl.String))
    return pl.concat(said).sort(place).drop(place)


def with_on_top(language: Language) -> pl.Expr:
    """The column `arithmetic`, and what surcharges and tax add where there are any."""
    figure = to_display(pl.col("on_top"), pl.col("currency"))
    more = _phrase(language, "on_top", sum="arithmetic", amount=figure)
    return pl.when(pl.col("on_top") != ZERO).then(more).otherwise("arithmetic")


def _said(group: pl.DataFrame, tariffs: Sequence[Tariff], language: Language) -> pl.Expr:
    number, component = group["tariff_row"][0], group["component"][0]
    if number is None:
        return _phrase(language, "no_row")
    words = _Words(tariffs[number], language)
    if component == "tax":
        return words.tax()
    return pl.when(pl.col("is_return")).then(words.returned()).otherwise(words.charged())


def _phrase(language: Language, name: str, **gaps: pl.Expr | str) -> pl.Expr:
    return filled(ARITHMETIC[name][LANGUAGES.index(language)], **gaps)


@dataclass(frozen=True)
class _Words:
    """What is said of the lines that one tariff row applies to."""

    tariff: Tariff
    language: Language

    def say(self, name: str, **gaps: pl.Expr | str) -> pl.Expr:
        return _phrase(self.language, name, **gaps)

    def figure(self, amount: pl.Expr | str | Decimal) -> pl.Expr:
        if isinstance(amount, Decimal):
            amount = charge.literal(amount)
        value = pl.col(amount) if isinstance(amount, str) else amount
        return to_display(value, pl.lit(self.tariff.currency))

    def tax(self) -> pl.Expr:
        percent = self.tariff.tax_percent or Decimal(0)
        raw = pl.col("base") * charge.literal(percent / 100)
        how = self.say("tax", base=self.figure("base"), percent=pl.lit(f"{_plain(percent)}%"))
        return self.result(how, raw, pl.col("expected").abs(), self.tariff.tax_rounding)

    def charged(self) -> pl.Expr:
        """What a movement costs, from the percentage to what is held between the limits."""
        tariff = self.tariff
        bare = replace(tariff, round_per="batch", minimum=None, maximum=None, free_below=None)
        raw = rounded = charge.charge(bare, pl.col("base"))
        if tariff.round_per == "line":
            rounded = round_to(raw, charge.decimals_of(tariff), tariff.rounding)
        text = self.result(self.sum(), raw, rounded, tariff.rounding)
        if tariff.minimum is not None:
            held = self.say("at_least", sum=text, limit=self.figure(tariff.minimum))
            text = pl.when(rounded < charge.literal(tariff.minimum)).then(held).otherwise(text)
        if tariff.maximum is not None:
            held = self.say("at_most", sum=text, limit=self.figure(tariff.maximum))
            text = pl.when(rounded > charge.literal(tariff.maximum)).then(held).otherwise(text)
        if tariff.has_free_quota:
            left = charge.chargeable(tariff, pl.col("base"))
            text = pl.when(left > ZERO).then(text).otherwise(self.all_free())
        if tariff.free_below is not None:
            is_free = pl.col("base") < charge.literal(tariff.free_below)
            free = self.say("free_below", limit=self.figure(tariff.free_below))
            text = pl.when(is_free).then(free).otherwise(text)
        return text

    def result(self, how: pl.Expr, raw: pl.Expr, rounded: pl.Expr, mode: Rounding) -> pl.Expr:
        result = sentence("{} = {}", how, self.figure(raw))
        word = pl.lit(ROUNDINGS[mode][LANGUAGES.index(self.language)])
        more = self.say("rounded", sum=result, mode=word, amount=self.figure(rounded))
        return pl.when(raw == rounded).then(result).otherwise(more)

    def sum(self) -> pl.Expr:
        """The percentage, by tier where there are any, and the fixed part."""
        tariff = self.tariff
        if not tariff.tiers and not tariff.percent:
            return self.say("fixed" if tariff.fixed else "free")
        amount = self.figure("base")
        if tariff.free_amount is not None:
            part = pl.col("base") - charge.chargeable(tariff, pl.col("base"))
            amount = self.say("part_free", amount=amount, part=self.figure(part))
        parts = self.tiers(amount) if tariff.tiers else _times(amount, tariff.percent)
        if tariff.fixed:
            parts = sentence("{} + {}", parts, pl.lit(_plain(tariff.fixed)))
        return parts

    def tiers(self, amount: pl.Expr) -> pl.Expr:
        """The tier that the amount, or what came before it in the month, has reached."""
        tariff = self.tariff
        if tariff.tier_mode == "marginal" and tariff.tier_by != "month_count":
            return self.parts()
        place, before = charge.chargeable(tariff, pl.col("base")), pl.lit("")
        if tariff.tier_by == "month_amount":
            place = pl.col("used_amount")
            before = self.say("after_amount", used=self.figure(place))
        elif tariff.tier_by == "month_count":
            place = pl.col("used_count").cast(MONEY)
            before = self.say("after_count", number=pl.col("used_count") + 1)
        *lower, last = tariff.tiers
        gaps = {"amount": amount, "before": before}
        edge = _plain(charge.edges(tariff)[-1]) if lower else "0"
        rate = pl.lit(_rate(last.percent, last.fixed))
        said = self.say("above", rate=rate, edge=pl.lit(edge), **gaps)
        for tier in reversed(lower):
            end = charge.literal(tier.up_to or 0)
            inside = place <= end if tariff.tier_by == "amount" else place < end
            rate = pl.lit(_rate(tier.percent, tier.fixed))
            step = self.say("up_to", rate=rate, edge=pl.lit(_plain(tier.up_to)), **gaps)
            said = pl.when(inside).then(step).otherwise(said)
        return said

    def parts(self) -> pl.Expr:
        """The parts of an amount in each marginal tier; tiers without a part are left out."""
        tariff = self.tariff
        start = pl.col("used_amount") if tariff.tier_by == "month_amount" else ZERO
        end = start + charge.chargeable(tariff, pl.col("base"))
        bounds = [Decimal(0), *charge.edges(tariff), None]
        said = []
        for (low, high), tier in zip(pairwise(bounds), tariff.tiers, strict=True):
            part = charge.part_between(start, end, low or Decimal(0), high)
            text = _times(self.figure(part), tier.percent)
            said.append(pl.when(part > ZERO).then(text))
        joined = pl.concat_str(said, separator=" + ", ignore_nulls=True)
        return pl.when(joined == "").then(pl.lit("0")).otherwise(joined)

    def all_free(self) -> pl.Expr:
        tariff = self.tariff
        if tariff.free_count is not None:
            number = pl.col("used_count") + 1
            return self.say("count_free", number=number, quota=pl.lit(str(tariff.free_count)))
        quota = self.figure(tariff.free_amount or Decimal(0))
        return self.say("amount_free", used=self.figure("used_amount"), quota=quota)

    def returned(self) -> pl.Expr:
        """What comes back, and why."""
        if not self.tariff.needs_original:
            return self.given_back()
        is_known = pl.col("original").is_not_null()
        return pl.when(is_known).then(self.given_back()).otherwise(self.say("unknown_payment"))

    def given_back(self) -> pl.Expr:
        tariff, original = self.tariff, pl.col("original")
        back = self.figure(pl.col("expected").abs())
        if tariff.on_refund == "kept":
            return self.say("kept")
        if tariff.on_refund == "returned":
            return self.say(
                "returned", sum=_Words(replace(tariff, fixed=Decimal(0)), self.language).sum(),
                back=back,
            )  # fmt: skip
        if tariff.on_refund == "returned_with_fixed":
            return self.say(
                "returned_part",
                fee=self.figure(charge.charge(tariff, original)),
                base=self.figure("base"),
                original=self.figure(original),
                back=back,
            )
        before = pl.max_horizontal(original - pl.col("returned"), ZERO)
        after = pl.max_horizontal(before - pl.col("base"), ZERO)
        return self.say(
            "recomputed", before=self.figure(before), after=self.figure(after), back=back
        )


def _times(amount: pl.Expr, percent: Decimal) -> pl.Expr:
    return sentence("{} x {}", amount, pl.lit(f"{_plain(percent)}%"))


def _rate(percent: Decimal, fixed: Decimal) -> str:
    return f"{_plain(percent)}%" + (f" + {_plain(fixed)}" if fixed else "")


def _plain(value: Decimal | None) -> str:
    text = f"{value or Decimal(0):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
