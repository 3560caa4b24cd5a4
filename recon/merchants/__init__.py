"""Merchants as beneficiaries: which lines are theirs, what they are owed, and how it is paid."""
