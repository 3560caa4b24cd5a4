"""`recon providers`: what can be read, and a first description of what cannot yet."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common
from recon.errors import UserError

if TYPE_CHECKING:
    from recon.providers.contract import Provider

app = App(
    name="providers",
    help="The providers and the kinds of statement that can be read.",
    result_action="return_value",
)


@app.default
def listed(*, common: Common = COMMON) -> int:
    """The providers and the kinds of statement that can be read."""
    console.show_providers(known_providers(common), as_json=common.json, language=common.lang)
    return 0


@app.command
def new(
    slug: Annotated[str, Parameter(help="what to call it: small letters, digits and _")],
    file: Annotated[Path, Parameter(help="one of its files: CSV, Excel, JSON or fixed width")],
    /,
    *,
    out: Annotated[Path | None, Parameter(help="where to write it, if not to --config")] = None,
    common: Common = COMMON,
) -> int:
    """Draft the description of a source without code, from one of its files."""
    import re

    from recon.io.draft import draft
    from recon.io.export import replaced
    from recon.providers import all_providers

    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise UserError(f"{slug!r} is no name for a provider: small letters, digits and _ only")
    if slug in all_providers():
        raise UserError(f"{slug} is read by its own code; choose another name")
    path = (out or common.config / "providers") / f"{slug}.toml"
    if path.exists():
        raise UserError(f"{path} is there already; nothing was written")
    text = draft(slug, file)
    with replaced(path) as part:
        part.write_text(text, encoding="utf-8")
    print(f"{path} written; look for DECIDE in it, then try: recon normalize {quote(str(file))}")
    return 0


def known_providers(common: Common) -> "dict[str, Provider]":
    """Those with code, and those the configuration describes, if there is one."""
    from recon.io.config import load_config
    from recon.providers import all_providers

    if not (common.config / "recon.toml").is_file():
        return all_providers()
    return load_config(common.config).providers
