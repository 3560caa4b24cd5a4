"""Settings as text that is the same for the same settings, and a short digest of it."""

import hashlib
import json


def canonical_text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=_as_json)


def digest(value: object) -> str:
    return hashlib.sha256(canonical_text(value).encode()).hexdigest()[:16]


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)
