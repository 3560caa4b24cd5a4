"""Stripe: payouts with their balance transactions from the API, and the Dashboard's reports."""

from recon.providers.contract import Provider, StatementKind, places_of_lines
from recon.providers.stripe import api, payouts, reconciliation

PROVIDER = Provider(
    slug="stripe",
    title="Stripe",
    title_zh="Stripe",
    kinds=(
        StatementKind(
            name="balance_transactions",
            title="payouts with their balance transactions, from the API",
            url="https://docs.stripe.com/api/balance_transactions",
            time_zone="UTC",
            describe=api.describe,
            read=api.read,
            places=places_of_lines(api.read),
        ),
        StatementKind(
            name="payout_reconciliation",
            title="payout reconciliation report, itemized",
            url="https://docs.stripe.com/reports/payout-reconciliation",
            time_zone="UTC",
            describe=reconciliation.describe,
            read=reconciliation.read,
            places=reconciliation.places,
        ),
        StatementKind(
            name="payouts",
            title="payouts report, itemized: states what the reconciliation report must add up to",
            url="https://docs.stripe.com/reports/report-types/payouts",
            time_zone="UTC",
            describe=payouts.describe,
            read=payouts.read,
            matched_kinds=frozenset(),
        ),
    ),
    notes=("The itemized report states no totals: deliver the payouts report of the day with it.",),
)
