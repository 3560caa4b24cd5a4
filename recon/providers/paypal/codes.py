"""PayPal's transaction event codes (T-codes) and statuses, and what they mean in our words.

A closed map: a code, or a direction of it, that is not here is a reject and never guessed. Source:
https://developer.paypal.com/docs/reports/reference/tcodes/
"""

from typing import Final

# (kind, directions, codes); CR is money to us, DR is money from us.
_KINDS: Final = (
    ("payment", "CR", "T0000 T0001 T0002 T0003 T0004 T0005 T0006 T0007 T0008 T0009"),
    ("payment", "CR", "T0010 T0011 T0012 T0013 T0018"),
    # The same codes the other way round: we are the payer.
    ("transfer", "DR", "T0000 T0001 T0002 T0003 T0004 T0005 T0006 T0007 T0008 T0009"),
    ("transfer", "DR", "T0010 T0011 T0012 T0013 T0018"),
    ("transfer", "CR", "T1114 T1115"),  # a mass payment of ours comes back
    # T2001 consolidates the money of a merchant's accounts in one of them: it stays the merchant's.
    ("transfer", "CR DR", "T2000 T2001"),
    ("fee", "CR DR", "T0100 T0101 T0102 T0103 T0104 T0105 T0106 T0107 T0108 T0109"),
    ("fee", "CR DR", "T0110 T0111 T0112 T0113"),
    ("fee", "CR DR", "T1108 T1109"),  # a fee given back
    ("conversion", "CR DR", "T0200 T0201 T0202"),
    ("top_up", "CR", "T0300 T0301 T0302 T0303 T0700 T0701"),
    ("withdrawal", "DR", "T0400 T0401 T0402 T0403 T0600 T1700 T1701"),
    ("withdrawal_reversal", "CR", "T1101"),
    ("refund", "DR", "T1107 T1113"),
    ("chargeback", "DR", "T1106 T1201"),
    ("chargeback_reversal", "CR", "T1202 T1208"),
    ("reserve_hold", "DR", "T1110 T1500 T1501 T1502 T1503 T2101 T2103 T2105 T2107 T2111"),
    ("reserve_release", "CR", "T1105 T1111 T2102 T2104 T2106 T2108 T2112"),
    # T9900 is "other": PayPal gives no event, so it is money to explain and not a movement we know.
    ("adjustment", "CR DR", "T1200 T1900 T9900"),
    ("payment", "CR DR", "T1300 T1301 T1302"),  # authorisations, which move no money: see below
)


def _kinds_of(direction: str) -> dict[str, str]:
    return {
        code: kind
        for kind, directions, codes in _KINDS
        for code in codes.split()
        if direction in directions
    }


KIND_BY_CREDIT_CODE: Final = _kinds_of("CR")
KIND_BY_DEBIT_CODE: Final = _kinds_of("DR")

# An authorisation reserves the payer's money and its void lets it go: ours does not move, whatever
# the status. The status a line then has:
STATUS_BY_CODE_WITHOUT_MONEY: Final = {"T1300": "pending", "T1301": "pending", "T1302": "reversed"}

# Transactional Status of rows whose money did not move.
STATUS_WITHOUT_MONEY: Final = {"P": "pending", "D": "failed", "V": "reversed"}
# "" is a settlement report, which lists only what was settled. "F" (partially refunded) is in
# neither: the report does not say whether its amount is that of before or after the refund.
STATUS_WITH_MONEY: Final = ("", "S")

# By which column a line is tied to our own books.
KINDS_BY_INVOICE: Final = ("payment", "transfer")
KINDS_BY_BANK_REFERENCE: Final = ("withdrawal", "withdrawal_reversal", "top_up")
