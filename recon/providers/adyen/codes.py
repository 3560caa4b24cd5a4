"""Adyen's closed vocabularies: types of rows, and the abbreviations of time zones.

Documentation and files differ in the case of types, so they are compared in lower case.
"""

from typing import Final

KIND_BY_TYPE: Final = {
    "settled": "payment",
    "settledexternally": "payment",
    "refunded": "refund",
    "refundedexternally": "refund",
    "refundedreversed": "refund_reversal",
    "chargeback": "chargeback",
    "chargebackexternally": "chargeback",
    "secondchargeback": "chargeback",
    "chargebackreversed": "chargeback_reversal",
    "paidout": "transfer",
    "paidoutreversed": "transfer",
    "bppaidout": "transfer",
    "fee": "fee",
    "misccosts": "fee",
    "invoicededuction": "fee",
    "paymentcost": "fee",
    "settlecost": "fee",
    "authorisationschemefee": "fee",
    "merchantpayout": "payout",
    "internalcompanypayout": "payout",
    "bankinstructionreturned": "payout_reversal",
    "balancetransfer": "transfer",
    "manualcorrected": "adjustment",
    "matchedstatement": "adjustment",
    "epapaid": "adjustment",
}
# Of the types above, those that a payments accounting report has.
MONEY_RECORDS: Final = frozenset(
    {
        "settled",
        "settledexternally",
        "refunded",
        "refundedexternally",
        "refundedreversed",
        "chargeback",
        "chargebackexternally",
        "secondchargeback",
        "chargebackreversed",
        "paidout",
        "paidoutreversed",
    }
)
# Steps in the life of a payment that move no money of ours.
LIFECYCLE: Final = frozenset(
    {
        "received",
        "authorised",
        "refused",
        "error",
        "cancelled",
        "expired",
        "retried",
        "sentforsettle",
        "sentforrefund",
        "capturefailed",
        "refundfailed",
        "notificationofchargeback",
        "requestforinformation",
        "informationsupplied",
    }
)

# Money that Adyen keeps back or gives back: the sign of the row tells which.
RESERVES: Final = ("depositcorrection", "reserveadjustment")

# What these rows are named after themselves by: they modify an earlier payment.
MODIFYING_KINDS: Final = ("refund", "refund_reversal", "chargeback", "chargeback_reversal")

# Adyen writes abbreviations, also the winter one in summer; each means its literal offset.
MINUTES_BY_ZONE: Final = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 60,
    "BST": 60,
    "CET": 60,
    "CEST": 120,
    "EET": 120,
    "EEST": 180,
    "MSK": 180,
    "GST": 240,
    "IST": 330,
    "SGT": 480,
    "HKT": 480,
    "JST": 540,
    "KST": 540,
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
    "BRT": -180,
    "EDT": -240,
    "EST": -300,
    "CDT": -300,
    "CST": -360,
    "MDT": -360,
    "MST": -420,
    "PDT": -420,
    "PST": -480,
}
