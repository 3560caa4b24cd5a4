"""A day as double-entry postings: balanced per currency, by a chart of accounts."""
