"""Names of the columns we read, as the CH line of the present versions spells them."""

from typing import Final

TXN_ID: Final = "Transaction ID"
EVENT: Final = "Transaction Event Code"
STARTED: Final = "Transaction Initiation Date"
COMPLETED: Final = "Transaction Completion Date"
SIDE: Final = "Transaction Debit or Credit"
AMOUNT: Final = "Gross Transaction Amount"
CURRENCY: Final = "Gross Transaction Currency"
FEE_SIDE: Final = "Fee Debit or Credit"
FEE: Final = "Fee Amount"
FEE_CURRENCY: Final = "Fee Currency"

INVOICE: Final = "Invoice ID"
CUSTOM: Final = "Custom Field"
REFERENCE: Final = "PayPal Reference ID"
REFERENCE_TYPE: Final = "PayPal Reference ID Type"
BANK_REFERENCE: Final = "Bank Reference ID"  # STL since version 8
STATUS: Final = "Transactional Status"  # TRR only, like the next two
SUBJECT: Final = "Transaction Subject"
SOURCE: Final = "Payment Source"

REQUIRED: Final = [
    TXN_ID, EVENT, STARTED, COMPLETED, SIDE, AMOUNT, CURRENCY, FEE_SIDE, FEE, FEE_CURRENCY
]  # fmt: skip
OPTIONAL: Final = [
    INVOICE, CUSTOM, REFERENCE, REFERENCE_TYPE, BANK_REFERENCE, STATUS, SUBJECT, SOURCE
]  # fmt: skip
