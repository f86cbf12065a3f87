"""autoshop dev: everything at once on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from autoshop.kit.settings import settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dev)


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8080,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 = every one")] = "127.0.0.1",
    data: Annotated[Path | None, typer.Option(help="where the data is kept; else var/ of this checkout")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="delete the data and begin anew")] = False,
) -> None:
    """Everything at once: PostgreSQL, migrations, demo data, web server, worker. Ctrl-C stops all of it."""
    try:
        from autoshop import dev as everything
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error}: this command needs the development packages (bin/_setup installs them).") from None
    settings()  # a wrong one is told before anything starts
    sys.exit(everything.run(host, port, data or everything.DATA, fresh))
