"""What happens to whole files of a day, planted with its truth: lost rows, files twice or absent.

Each is told by one label of the day. A lost row has a second one, on the day on which its entry has
waited long enough.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import polars as pl

from recon.money import MONEY
from tests.generator import amounts
from tests.generator.faults import shuffle_rows
from tests.generator.spec import BALANCE_OFF, LABEL, DaySpec, GeneratedDay

_BILL: Final = {"wechatpay": "trade_all", "paypal": "STL-"}
_STATEMENTS: Final = {"wechatpay": ("trade_all", "fund_flow"), "paypal": ("settlement",)}


def lost(spec: DaySpec, movements: pl.DataFrame) -> pl.DataFrame:
    """The movement, if one is planted, whose row the statement loses while its totals keep it: a
    payment that nothing else refers to."""
    plain = movements.filter(role="plain", kind="payment").join(
        movements, left_on="merchant_ref", right_on="parent_ref", how="anti"
    )
    return plain.sort("number").tail(1 if spec.planted("control_total_mismatch") else 0)


def without_lost(movements: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """Movements, those lost as what they are for whoever reads the statement: not there."""
    is_gone = pl.col("txn_id").is_in(gone["txn_id"].implode()) & (pl.col("role") == "plain")
    absent = pl.lit("missing_in_provider")
    return movements.with_columns(role=pl.when(is_gone).then(absent).otherwise("role"))


def spoiled(day: GeneratedDay, gone: pl.DataFrame) -> GeneratedDay:
    """The day with what is planted of this module: its files, and their labels."""
    spec, files = day.spec, dict(day.files)
    labels: list[Mapping[str, Any]] = []
    bill = next(name for name in files if _BILL[spec.provider] in name)
    for txn_id, currency, amount in gone.select("txn_id", "currency", _total_off(spec)).iter_rows():
        rows = files[bill].splitlines(keepends=True)
        files[bill] = b"".join(row for row in rows if txn_id.encode() not in row)
        said = "a row is lost, and the totals still have it"
        labels.append(_label("control_total_mismatch", currency, amount, said))
    if spec.planted("balance_mismatch"):
        said = "the closing balance is not what the rows lead to"
        labels.append(_label("balance_mismatch", "CNY", BALANCE_OFF, said))
    if spec.planted("file_duplicate"):
        stem, dot, suffix = bill.rpartition(".")
        files[f"{stem}-again{dot}{suffix}"] = shuffle_rows(files[bill], spec.seed)
        labels.append(_label("file_duplicate", None, 0, "a statement comes twice, in two orders"))
    if spec.planted("file_missing"):
        absent = _STATEMENTS[spec.provider]
        # Of two statements every other seed lacks only the second.
        absent = absent[-1:] if spec.seed % 2 else absent
        files = {n: data for n, data in files.items() if not any(kind in n for kind in absent)}
        files = files if len(absent) < len(_STATEMENTS[spec.provider]) else {}
        said = "a statement does not come"
        labels += [_label("file_missing", None, 0, said) for _ in absent]
    told = _told(spec, labels)
    return replace(day, files=files, labels=pl.concat([day.labels, told]))


def _total_off(spec: DaySpec) -> pl.Expr:
    """How far the first total of a statement is off: what orders are settled at, or a balance."""
    amount = pl.col("amount")
    return amount - pl.col("fee") if spec.provider == "paypal" else amount


def _label(name: str, currency: str | None, hundredths: int, note: str) -> dict[str, Any]:
    return {"type": name, "currency": currency, "difference": hundredths, "note": note}


def _told(spec: DaySpec, labels: list[Mapping[str, Any]]) -> pl.DataFrame:
    schema = {"type": pl.String, "currency": pl.String, "difference": pl.Int64, "note": pl.String}
    rows = pl.DataFrame(labels, schema=schema).with_columns(
        provider=pl.lit(spec.provider),
        account=pl.lit(spec.account),
        business_date=pl.lit(spec.business_date),
        difference=amounts.money(pl.col("difference")).cast(MONEY),
    )
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in LABEL.items()
    )
