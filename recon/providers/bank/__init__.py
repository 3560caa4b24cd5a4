"""The bank account behind the providers: CAMT.053, MT940 and BAI2 statements of any bank."""

from recon.providers.bank import bai2, camt053, mt940
from recon.providers.contract import Provider, StatementKind

PROVIDER = Provider(
    slug="bank",
    title="Bank",
    title_zh="银行",
    kinds=(
        StatementKind(
            name="camt053",
            title="ISO 20022 camt.053, any version",
            url="https://www.iso20022.org/iso-20022-message-definitions",
            time_zone="UTC",
            describe=camt053.describe,
            read=camt053.read,
            places=camt053.places,
        ),
        StatementKind(
            name="mt940",
            title="SWIFT MT940",
            url="https://www.swift.com/standards/data-standards/mt-message-types",
            time_zone="UTC",
            describe=mt940.describe,
            read=mt940.read,
            places=mt940.places,
        ),
        StatementKind(
            name="bai2",
            title="BAI2 cash management balance report",
            url="https://www.bai.org/libraries/cash-management-balance-reporting-specifications/",
            time_zone="UTC",
            describe=bai2.describe,
            read=bai2.read,
            places=bai2.places,
        ),
    ),
    notes=(
        "What a bank books is a transfer, unless its own code says charge or interest.",
        "merchant_ref is the payout reference that the remittance text carries, where it does.",
    ),
)
