"""Pairing statement lines with ledger entries, and saying in words where they differ."""
