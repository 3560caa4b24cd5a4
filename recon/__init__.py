"""Payment reconciliation: what providers, ledger and bank say, proved to be the same money."""
