"""Names of files and folders made from what others have named."""

import hashlib
import re
from typing import Final

_LONGEST: Final = 80  # characters: four bytes each would still fit


def file_name(text: str) -> str:
    """The text itself where it is a harmless name, such as an account number, else as much of it as
    is one and a digest: it leads nowhere, and two texts never share a name."""
    harmless = re.sub(r"[^\w.@+-]", "_", text)[:_LONGEST].lstrip(".")
    if harmless == text:
        return text
    return f"{harmless}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
