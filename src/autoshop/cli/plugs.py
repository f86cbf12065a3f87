"""autoshop plugs: what a spark plug is by its code, and what replaces it; the same JSON as the API's."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from autoshop.accounts.model import system
from autoshop.cli.run import with_pool
from autoshop.kit.db import Pool
from autoshop.kit.language import Language
from autoshop.selection.plugs import api, service

Code = Annotated[str, typer.Argument(help="such as BPR6ES-11, «NGK BPR6ES» or А17ДВРМ")]
Brand = Annotated[str | None, typer.Option("--brand", help="where a code is of several brands")]
Store = Annotated[int | None, typer.Option("--store", help="the id of the store where it is wanted")]
Lang = Annotated[str, typer.Option("--lang", help="ru or en")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="Spark plugs by their codes.", no_args_is_help=True)
    family.command(name="decode")(decode)
    family.command(name="equivalents")(equivalents)
    app.add_typer(family, name="plugs")


def decode(code: Code, brand: Brand = None, language: Lang = "ru") -> None:
    """What a plug is by its code, and which letters say so."""
    typer.echo(api.plug_out(code, brand, _language(language)).model_dump_json(indent=2))


def equivalents(code: Code, brand: Brand = None, store: Store = None, language: Lang = "ru") -> None:
    """What may stand for a plug, of any brand, and what of it the shop has."""
    words, now, caller = _language(language), datetime.now(UTC), system("plugs")

    async def find(pool: Pool) -> str:
        async with pool.acquire() as db:
            found = await service.equivalents(db, caller, code, brand, store, now, words)
        return api.equivalents_out(found, caller, now, words).model_dump_json(indent=2)

    typer.echo(with_pool(find))


def _language(asked: str) -> Language:
    if asked not in ("ru", "en"):
        raise typer.BadParameter("ru or en", param_hint="--lang")
    return "en" if asked == "en" else "ru"
