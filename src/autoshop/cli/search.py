"""autoshop search: the index of names, made anew."""

import typer

from autoshop.catalog.search.names import jobs
from autoshop.cli.run import with_pool


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="The index by which names are found.", no_args_is_help=True)
    family.command(name="index")(index)
    app.add_typer(family, name="search")


def index() -> None:
    """Compare every product with its document, and write those that differ; a worker may run beside it.

    Once after PostgreSQL was changed for another major version: what tells two documents apart may differ there.
    """
    products = with_pool(jobs.index_all)
    typer.echo(f"Products looked at: {products}.")
