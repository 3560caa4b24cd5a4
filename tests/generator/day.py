"""One day from one spec: movements, the statements that tell of them, the ledger, and the truth."""

from recon.errors import ensure
from tests.generator import labels, ledger, mishaps, movements, paypal, paypal_files, wechatpay
from tests.generator import wechatpay_files as wechatpay_bills
from tests.generator.spec import DaySpec, GeneratedDay

_PROVIDERS = {
    "wechatpay": (wechatpay.movements, wechatpay_bills.files, ("payment", "refund")),
    "paypal": (paypal.movements, paypal_files.files, None),
}


def generate_day(spec: DaySpec) -> GeneratedDay:
    """Make a day. Equal specs give equal bytes, on any machine."""
    make_movements, make_files, counted_kinds = _PROVIDERS[spec.provider]
    moved = make_movements(spec)
    lines = movements.lines_of(moved)
    counted = lines if counted_kinds is None else lines.filter(lines["kind"].is_in(counted_kinds))
    ensure(counted.height == spec.rows, f"{counted.height} rows instead of {spec.rows}")
    files, closing = make_files(spec, lines)
    gone = mishaps.lost(spec, moved)
    moved = mishaps.without_lost(moved, gone)
    day = GeneratedDay(
        spec=spec,
        files=files,
        ledger=ledger.entries(spec, moved),
        labels=labels.labels(spec, moved),
        carried=labels.carried(spec, moved),
        closing_balances=closing,
    )
    return mishaps.spoiled(day, gone)
