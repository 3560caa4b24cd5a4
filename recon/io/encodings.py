"""Statements in another encoding, as the UTF-8 that Polars scans; the original stays as it is."""

import codecs
from dataclasses import replace
from pathlib import Path
from typing import Final

from recon.errors import StatementError
from recon.io.inbox import content_of
from recon.providers.contract import Content

_COPY_BYTES: Final = 1024 * 1024


def in_utf8(content: Content, encoding: str, folder: Path) -> Content:
    """The statement as UTF-8, which is what Polars scans; a large one as a copy in `folder`.

    Errors: StatementError with the place of a byte that is not of the encoding.
    """
    if codecs.lookup(encoding).name == "utf-8" or isinstance(content.scannable, bytes):
        return content.in_utf8(encoding)
    copy = folder / f"{content.file_id}.utf8"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            open(content.scannable, encoding=encoding, newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            target.write(source.read(_COPY_BYTES).removeprefix("\ufeff"))
            while text := source.read(_COPY_BYTES):
                target.write(text)
    except UnicodeDecodeError as error:
        raise StatementError(f"{content.name} is not {encoding}: {error.reason}") from None
    recoded = content_of(copy, content.name)
    return replace(recoded, file_id=content.file_id)
