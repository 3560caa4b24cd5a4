"""Prefect only: when, retries, parameters, what is shown. No business rule lives here."""
