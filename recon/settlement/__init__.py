"""What the day's lines add up to for each batch and currency, and the proof of it."""
