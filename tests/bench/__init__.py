"""Slow and large: `python -m tests.bench` prints ratios against a yardstick from one run."""
