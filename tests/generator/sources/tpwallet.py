"""tpWallet: one wallet's transfers of three days in our own format, two tokens and network fees."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from tests.generator import book
from tests.generator.book import Movement, Rate, Trade
from tests.generator.sources import DAYS, SampleSet

_WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
_DECIMALS = {"USDT": 6, "ETH": 18}
_OPENING = {"USDT": Decimal("125000.5"), "ETH": Decimal("3.141592653589793238")}
_HEADER = (
    "tx_hash,log_index,network,block_time_utc,direction,order_id,token_symbol,token_decimals,"
    "amount_atomic,fee_symbol,fee_decimals,fee_atomic,confirmations,status"
)
_DIRECTION = {"payment": "payment_in", "refund": "refund_out", "withdrawal": "withdrawal_out"}
_GAS = Decimal("0.000734152000000000")
_PLANTS = {
    day: [name for name in names if name != "fee_variance"] for day, names in book.PLANTS.items()
}


def _new_id(random: Random, kind: str) -> str:
    return "0x" + "".join(random.choice("0123456789abcdef") for _ in range(64))


def samples() -> SampleSet:
    random = book.random_of("tpwallet")
    free = Rate(Decimal(0), Decimal(0), places=2)
    trade = Trade("tpwallet", {"USDT": free, "ETH": free}, ("",), _new_id, 18, order_prefix="TW")
    sold = [_in_token(one) for one in trade.movements(random)]
    movements = book.planted(sold, _PLANTS)
    movements.append(
        Movement(DAYS[1], 70_000, "withdrawal", "USDT", Decimal(-50_000), Decimal(0),
                 _new_id(random, "withdrawal"), "WD-20261119-2")
    )  # fmt: skip
    spent = [one for one in movements if one.amount < 0 and one.is_on_statement]
    movements += [_gas(one) for one in spent if one.currency != "ETH"]
    files = {f"{_WALLET}_{day}.csv": _statement(movements, day) for day in DAYS}
    return book.sample_set("tpwallet", _WALLET, "UTC", movements, files,
                           {"*.csv": "transfers of a wallet, in our own format"})  # fmt: skip


def _in_token(one: Movement) -> Movement:
    """Ether amounts are small and have eighteen decimals, all of which count."""
    amount = one.amount
    if one.currency == "ETH":
        amount = (amount / 7919).quantize(Decimal(1).scaleb(-18))
    # Sending ether, the fee is in the same token and stands on the same line.
    fee = _GAS if one.currency == "ETH" and one.amount < 0 else Decimal(0)
    return replace(one, amount=amount, fee=fee, method="ethereum")


def _gas(one: Movement) -> Movement:
    """Who sends pays for the network, in ether, whatever was sent."""
    return Movement(one.day, one.second, "fee", "ETH", -_GAS, Decimal(0), one.txn_id,
                    method="ethereum")  # fmt: skip


def _statement(movements: Sequence[Movement], day: date) -> tuple[bytes, int]:
    def balance(days: Sequence[date], token: str) -> Decimal:
        moved = [
            one.net
            for one in movements
            if one.day in days and one.currency == token and one.is_on_statement
        ]
        return _OPENING[token] + sum(moved, Decimal(0))

    before = [other for other in DAYS if other < day]
    rows = [
        _row(one, number)
        for number, one in enumerate(
            one for one in movements if one.day == day and one.is_on_statement and one.kind != "fee"
        )
    ]
    lines = [
        f"#wallet,{_WALLET}",
        f"#date,{day}",
        *(f"#opening,{token},{_DECIMALS[token]},{_atomic(balance(before, token), token)}"
          for token in _DECIMALS),
        _HEADER,
        *rows,
        *(f"#closing,{token},{_DECIMALS[token]},{_atomic(balance([*before, day], token), token)}"
          for token in _DECIMALS),
        f"#rows,{len(rows)}",
    ]  # fmt: skip
    return ("\n".join(lines) + "\n").encode(), len(rows)


def _atomic(amount: Decimal, token: str) -> int:
    return int(abs(amount).scaleb(_DECIMALS[token]))


def _row(one: Movement, number: int) -> str:
    gas = _GAS if one.amount < 0 else Decimal(0)
    what = [one.txn_id, number, "ethereum", f"{one.local():%Y-%m-%dT%H:%M:%S}Z"]
    moved = [_DIRECTION[one.kind], one.merchant_ref, one.currency, _DECIMALS[one.currency]]
    fee = [_atomic(one.amount, one.currency), "ETH", 18, _atomic(gas, "ETH"), 64, "success"]
    return ",".join(map(str, [*what, *moved, *fee]))
