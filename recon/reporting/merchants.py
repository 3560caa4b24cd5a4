"""The statement of a merchant: what he is owed and why, and every line of it."""

from typing import Final

import polars as pl

from recon.money import ZERO
from recon.periods import Period
from recon.reporting import text
from recon.reporting.columns import column, worded
from recon.reporting.sheets import Cell, Column, Kind, Line, Lines, Sheet, Table, Workbook
from recon.reporting.text import LANGUAGES, Language
from recon.reporting.titles import Words
from recon.reporting.workbooks import made

_STATES: Final[Words] = {
    "settled": ("Settled", "已结算"),
    "held_back": ("Held back", "暂缓"),
}
_REASONS: Final[Words] = {
    "no_match": ("not yet proved by both sides", "尚未对平"),
    "no_merchant": ("the ledger does not say whose it is", "账本未注明归属商户"),
    "no_tariff": ("no row of the tariff covers it", "无适用费率"),
}
_WORDS: Final[Words] = {
    "statement": ("Settlement statement", "商户结算单"),
    "lines": ("Lines", "明细"),
    "pay_on": ("Paid on", "打款日期"),
    "brought_forward": ("Brought forward", "上期结转"),
    "gross": ("Payments", "支付"),
    "refunds": ("Refunds", "退款"),
    "chargebacks": ("Chargebacks", "拒付"),
    "fees": ("less fees", "减：手续费"),
    "reserve_held": ("less reserve held", "减：保证金冻结"),
    "reserve_released": ("Reserve released", "保证金解冻"),
    "owed": ("Owed to you", "应付商户"),
    "withdrawal_charge": ("less charge for the payout", "减：打款手续费"),
    "payout": ("Payout", "打款金额"),
    "carried_forward": ("Carried forward", "结转下期"),
    "held_back": ("Held back, to be settled once proved", "暂缓部分（核对后结算）"),
    "held_back_count": ("Held back: lines", "暂缓笔数"),
    "line_count": ("Lines settled", "结算笔数"),
    "state": ("State", "状态"),
    "reason": ("Why it is held back", "暂缓原因"),
    "fee": ("Our fee", "手续费"),
    "net": ("Net", "净额"),
    "total": ("By currency", "按币种"),
}

# The steps from what was carried to what is owed, and on to what is paid; `-` is taken away.
_TO_OWED: Final = (
    "brought_forward",
    "gross",
    "refunds",
    "chargebacks",
    "-fees",
    "-reserve_held",
    "reserve_released",
)
_FROM_OWED: Final = ("-withdrawal_charge", "-payout")


def merchant_workbook(
    title: str, settlement: pl.DataFrame, lines: pl.DataFrame, period: Period, language: Language
) -> Workbook:
    """One sheet from the sales to the payout, one column a currency; one with every line.

    `settlement` is MERCHANT_SETTLEMENT and `lines` MERCHANT_LINE of one merchant.
    """
    days = f"{period.first} – {period.last}"
    heading = f"{_word('statement', language)} · {title} · {days}"
    number = settlement["settlement_id"].drop_nulls().unique().sort().first()
    sheets = (
        Sheet(
            text.sheet("summary", language),
            (_bridge(settlement, language),),
            heading=heading,
            nothing=text.phrase("nothing", language),
        ),
        Sheet(
            _word("lines", language),
            (_listed(lines, language),),
            nothing=text.phrase("nothing", language),
        ),
    )
    return made(heading, period.last, sheets, language, str(number or ""), called="settlement_id")


def _word(name: str, language: Language) -> str:
    return _WORDS[name][LANGUAGES.index(language)]


def _bridge(settlement: pl.DataFrame, language: Language) -> Lines:
    rows = settlement.sort("currency").to_dicts()

    def line(name: str, formula: str = "", *, strong: bool = False) -> Line:
        return _line(rows, name, language, formula, strong=strong)

    steps = [line(step.removeprefix("-")) for step in _TO_OWED]
    after = [line(step.removeprefix("-")) for step in _FROM_OWED]
    carried = "{owed}-{withdrawal_charge}-{payout}"
    return Lines(
        _word("total", language),
        (
            *steps,
            line("owed", _sum(_TO_OWED), strong=True),
            *after,
            line("carried_forward", carried, strong=True),
            line("held_back"),
            line("held_back_count"),
            line("line_count"),
            Line(
                "pay_on",
                _word("pay_on", language),
                tuple(Cell(row["pay_on"], "date") for row in rows),
            ),
        ),
        headings=("", *(row["currency"] for row in rows)),
    )


def _sum(steps: tuple[str, ...]) -> str:
    parts = (f"-{{{step[1:]}}}" if step.startswith("-") else f"+{{{step}}}" for step in steps)
    return "".join(parts).removeprefix("+")


def _line(
    rows: list[dict[str, object]], name: str, language: Language, formula: str, *, strong: bool
) -> Line:
    kind: Kind = "count" if name.endswith("_count") else "money"
    cells = tuple(
        Cell(row[name], kind, str(row["currency"]), formula)  # type: ignore[arg-type]
        for row in rows
    )
    return Line(name, _word(name, language), cells, strong=strong)


def _listed(lines: pl.DataFrame, language: Language) -> Table:
    listed = (
        lines.filter(pl.col("state") != "ours")
        .sort("state", "currency", "business_date", "line_id")
        .with_columns(
            net=pl.col("gross") - pl.col("fee").fill_null(ZERO),
            kind=worded("kind", text.KINDS, language),
            state=worded("state", _STATES, language),
            reason=worded("reason", _REASONS, language),
        )
    )

    def own(name: str, formula: str = "") -> Column:
        return column(name, language, title=_word(name, language), formula=formula)

    return Table(
        "lines",
        (
            own("state"),
            *(column(name, language) for name in ("business_date", "kind", "merchant_ref")),
            *(column(name, language) for name in ("txn_id", "payment_method", "currency")),
            column("gross", language, title=text.title("amount", language)),
            own("fee"),
            own("net", "{gross}-{fee}"),
            column("tariff", language),
            own("reason"),
            *(column(name, language) for name in ("provider", "account", "line_id")),
        ),
        listed,
        main=True,
    )
