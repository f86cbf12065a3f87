"""autoshop demo: a shop to try things on, as big as a benchmark wants it."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from autoshop.demo.generate import Wish
from autoshop.demo.load import Loaded, load
from autoshop.kit.db import is_gone
from autoshop.kit.settings import settings

MANY = 50_000_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)


def demo(
    products: Annotated[
        int | None, typer.Option(min=500, max=1_000_000, help="products; beyond the real ones they are made up")
    ] = None,
    stores: Annotated[int, typer.Option(min=2, max=500, help="stores")] = 2,
    movements: Annotated[
        int | None, typer.Option(min=1_000, max=MANY, help="about so many movements; else as they come")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="another seed, another history")] = 1,
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="eighteen months of movements, or the catalogue alone")
    ] = True,
) -> None:
    """Fill an empty database: real products at invented prices, two stores, eighteen generated months."""
    if movements is not None and not history:
        raise typer.BadParameter("--movements needs a history", param_hint="--no-history")
    config = settings()
    if not config.database_url:
        raise SystemExit("AUTOSHOP_DATABASE_URL is not set. `bin/dev` brings its own database and the demo with it.")
    wish = Wish(products, stores, movements, seed, history)
    try:
        loaded = _load(config.database_url, config.owner_database_url, wish)
    except asyncpg.UndefinedTableError:
        raise SystemExit("The database has no tables yet: run `autoshop migrate` first.") from None
    except Exception as error:
        if not is_gone(error) and not isinstance(error, OSError):
            raise
        raise SystemExit(f"The database does not answer: {error}. Is AUTOSHOP_DATABASE_URL right?") from None
    typer.echo(_told(loaded))


def _load(database_url: str, owner_url: str, wish: Wish) -> Loaded:
    """With a bar on a terminal, in silence elsewhere."""
    bar = Progress(
        TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.completed:>10,} of {task.total:,}"),
        TimeElapsedColumn(), console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    tasks = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)

    with bar:
        return asyncio.run(load(database_url, wish, datetime.now(UTC), show, owner_url))


def _told(loaded: Loaded) -> str:
    catalogue = f"The demo shop is open: {loaded.stores} stores, {loaded.products:,} products"
    if not loaded.movements:
        return f"{catalogue}, and no stock yet."
    share = round(100 * loaded.in_stock / loaded.places)
    return (
        f"{catalogue}, {loaded.movements:,} movements and {loaded.transfers:,} transfers in eighteen months; "
        f"{share} % of the shelves hold something."
    )
