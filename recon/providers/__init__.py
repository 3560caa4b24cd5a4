"""Every folder here is a provider. It is found by listing; nothing central is edited."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from recon.errors import StatementError, UserError
from recon.providers.contract import Content, Description, Provider


@cache
def all_providers() -> dict[str, Provider]:
    """Providers by slug, in alphabetical order."""
    found = {}
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        if module.ispkg:
            provider: Provider = import_module(f"{__name__}.{module.name}").PROVIDER
            found[provider.slug] = provider
    return found


def provider_named(slug: str, providers: Mapping[str, Provider] | None = None) -> Provider:
    """One of `providers`, by default those of this folder. Errors: UserError for another name."""
    providers = all_providers() if providers is None else providers
    if slug not in providers:
        raise UserError(f"no provider {slug!r}; there are: {', '.join(providers)}")
    return providers[slug]


def identify(
    content: Content, providers: Mapping[str, Provider] | None = None
) -> tuple[Provider, Description]:
    """Tell provider and kind from the content alone. `providers` are those to ask, by default all
    of this folder. Errors: StatementError when nobody claims the file, or when two do, since
    guessing would book money to the wrong account; and for one that is known by its start and in
    another encoding than its provider sends. UTF-16 is told by its mark, and read."""
    providers = all_providers() if providers is None else providers
    if content.size == 0:
        raise StatementError(f"{content.name}: the file is empty; even a day at rest has a header")
    claims = _claims(content, providers)
    if not claims and content.utf_16 is not None:
        claims = [
            (provider, replace(description, encoding=content.utf_16))
            for provider, description in _claims(content.ends_in_utf8(content.utf_16), providers)
        ]
    if not claims:
        _refuse_garbled(content, providers)
        hint = _hint(content, providers)
        raise StatementError(f"{content.name}: no provider knows this format; {hint}")
    if len(claims) > 1:
        names = ", ".join(f"{provider.slug} {what.kind}" for provider, what in claims)
        raise StatementError(f"{content.name}: claimed by more than one format: {names}")
    return claims[0]


def _hint(content: Content, providers: Mapping[str, Provider]) -> str:
    """What a file that nobody claims may be."""
    if b"entry_id" in content.head.partition(b"\n")[0]:
        return "these look like entries of the ledger: recon ledger import takes them"
    for provider in providers.values():
        for kind in provider.kinds:
            difference = kind.nearly(content) if kind.nearly else None
            if difference:
                return (
                    f"it is nearly {provider.slug} {kind.name}, but {difference}: save it as such, "
                    f"or correct what the configuration of {provider.slug} says"
                )
    return "recon providers lists those it knows, recon providers new describes another"


def _claims(
    content: Content, providers: Mapping[str, Provider]
) -> list[tuple[Provider, Description]]:
    return [
        (provider, description)
        for provider in providers.values()
        for kind in provider.kinds
        if (description := kind.describe(content)) is not None
    ]


def _refuse_garbled(content: Content, providers: Mapping[str, Provider]) -> None:
    """Errors: StatementError for a file that would be known if all its bytes were of UTF-8."""
    if content.foreign_byte is None:
        return
    # Of its own encoding but for a few bytes, or saved by a Chinese spreadsheet.
    looks = [content.ends_in_utf8(encoding) for encoding in ("utf-8", "gb18030")]
    for provider, description in (claim for look in looks for claim in _claims(look, providers)):
        if provider.kind(description.kind).nearly is not None:
            continue  # which knows better what the file is
        raise StatementError(
            f"{content.name} is a statement of {provider.slug}, {description.kind}, but byte "
            f"{content.foreign_byte} is not UTF-8; was the file opened and saved by another "
            "program? Fetch the original again"
        )
