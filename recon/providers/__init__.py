"""Every folder here is a provider. It is found by listing; nothing central is edited."""

from collections.abc import Mapping
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
    guessing would book money to the wrong account."""
    providers = all_providers() if providers is None else providers
    if content.size == 0:
        raise StatementError(f"{content.name}: the file is empty; even a day at rest has a header")
    claims = [
        (provider, description)
        for provider in providers.values()
        for kind in provider.kinds
        if (description := kind.describe(content)) is not None
    ]
    if not claims:
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
