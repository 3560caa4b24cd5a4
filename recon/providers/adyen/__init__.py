"""Adyen: where card, Apple Pay and Google Pay money is settled. Apple itself settles nothing."""

from recon.providers.adyen import accounting, settlement_detail
from recon.providers.contract import Provider, StatementKind, places_of_lines

PROVIDER = Provider(
    slug="adyen",
    title="Adyen",
    title_zh="Adyen",
    kinds=(
        StatementKind(
            name="settlement_detail",
            title="settlement details report, one payout batch",
            url="https://docs.adyen.com/reporting/settlement-detail-report",
            time_zone="Europe/Amsterdam",
            describe=settlement_detail.describe,
            read=settlement_detail.read,
            is_numbered=True,
        ),
        StatementKind(
            name=accounting.KIND,
            title="payments accounting report: every step of every payment; states no totals",
            url="https://docs.adyen.com/reporting/invoice-reconciliation/payment-accounting-report",
            time_zone="Europe/Amsterdam",
            describe=accounting.describe,
            read=accounting.read,
            places=places_of_lines(accounting.read),
            matched_kinds=accounting.MATCHED_KINDS,
        ),
    ),
    notes=("Apple Pay and Google Pay are the first part of payment_method, e.g. applepay:visa.",),
)
