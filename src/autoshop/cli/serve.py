"""autoshop serve, worker, migrate: the three processes."""

import asyncio
import gc
from contextlib import suppress
from types import FrameType
from typing import Annotated, Any

import asyncpg
import typer
import uvicorn

from autoshop.kit import housekeeping, log
from autoshop.kit.db import is_gone, open_pool
from autoshop.kit.settings import Settings, settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(worker)
    app.command(name="migrate")(migrate_)


def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8000,
) -> None:
    """Answer requests: the API and the pages."""
    from autoshop.app import create_app

    config = settings()
    log.configure(config.log_level, config.log_format)
    asyncio.run(_reach(config))
    app = create_app(config)
    _calm_the_collector()
    config_of_server = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the gate does it, and only for AUTOSHOP_PROXIES
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=20,
        backlog=2048,
    )
    server = _Server(config_of_server)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        server.run()
    if not server.started:
        raise SystemExit(3)


class _Server(uvicorn.Server):
    """Told to stop, it lets those go who listen to live stock: uvicorn would wait for them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        app: Any = self.config.app
        if (live := getattr(app.state, "live", None)) is not None:
            live.stop()
        super().handle_exit(sig, frame)


async def _reach(config: Settings) -> None:
    """Before the server starts, which would tell of a database that is away in forty lines."""
    try:
        await (await open_pool(config.model_copy(update={"pool_min": 1}), name="serve")).close()
    except Exception as error:
        if not is_gone(error) and not isinstance(error, asyncpg.PostgresError):
            raise
        log.log.error("no database", error=repr(error))
        raise SystemExit(3) from None  # as uvicorn does when it cannot start


def _calm_the_collector() -> None:
    """Leave what the start made alone, and look for garbage cycles every 20 000 objects instead of every 700.

    Measured: a fifth of the processor time of a movement, and its p99 from 91 to 20 ms; see ADR 0003.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def worker(
    check: Annotated[
        bool, typer.Option("--check", help="exit 0 if a worker lives and takes the jobs, 1 if not; starts nothing")
    ] = False,
) -> None:
    """Do the jobs that wait in the database."""
    if check:
        from autoshop.cli.run import with_pool

        raise SystemExit(with_pool(housekeeping.idle))  # a text is told, and exits 1; None exits 0
    from autoshop import worker as process

    config = settings()
    log.configure(config.log_level, config.log_format)
    asyncio.run(process.run(config))


def migrate_() -> None:
    """Bring the database to the newest migration (needs AUTOSHOP_OWNER_DATABASE_URL)."""
    import sqlalchemy  # here and not above: `serve` has no use for it

    from autoshop.kit import migrate

    config = settings()
    if not config.owner_database_url:
        raise SystemExit("AUTOSHOP_OWNER_DATABASE_URL is not set: migrations run as the owner of the tables.")
    try:
        reached = migrate.upgrade(config.owner_database_url)
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.ArgumentError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise SystemExit(f"{reason}. Is AUTOSHOP_OWNER_DATABASE_URL right?") from None
    typer.echo(f"The database is at migration {reached}.")
