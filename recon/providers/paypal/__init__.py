"""PayPal: settlement reports (STL) and transaction detail reports (TRR) of the SFTP server."""

from recon.providers.contract import Provider, StatementKind
from recon.providers.paypal import statement

PROVIDER = Provider(
    slug="paypal",
    title="PayPal",
    title_zh="PayPal",
    kinds=(
        StatementKind(
            name="settlement",
            title="settlement report",
            url="https://developer.paypal.com/docs/reports/sftp-reports/settlement-report/",
            time_zone="America/Los_Angeles",
            describe=statement.describer("settlement"),
            read=statement.read,
            places=statement.places,
        ),
        StatementKind(
            name="transaction_detail",
            title="transaction detail report",
            url="https://developer.paypal.com/docs/reports/sftp-reports/transaction-detail/",
            time_zone="America/Los_Angeles",
            describe=statement.describer("transaction_detail"),
            read=statement.read,
            places=statement.places,
        ),
    ),
)
