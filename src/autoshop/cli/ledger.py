"""autoshop ledger: prove that stock is what the movements add up to; stock and its value at the end of a day."""

import sys
from datetime import datetime
from typing import Annotated, Literal

import typer

from autoshop.cli.run import with_pool
from autoshop.inventory.stock import service
from autoshop.inventory.stock_on import api as stock_on
from autoshop.inventory.value import api as value
from autoshop.inventory.value.model import Method

OnDay = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="2026-06-30")]
Store = Annotated[int | None, typer.Option("--store", help="the id of one store only")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="Prove the ledger, and report from it.", no_args_is_help=True)
    family.command(name="check")(check)
    family.command(name="stock-on")(stock_on_day)
    family.command(name="value")(value_on_day)
    app.add_typer(family, name="ledger")


def check(
    balances: Annotated[bool, typer.Option("--balances", help="also check the running balance of every line")] = False,
    periods: Annotated[bool, typer.Option("--periods", help="prove all closed periods, not the last alone")] = False,
) -> None:
    """Recount: movements = stock, shipped − received = on the way, closing balances. Exit 1 where they differ."""
    which: Literal["last", "every"] = "every" if periods else "last"
    found = with_pool(lambda pool: service.check_ledger(pool, balances=balances, periods=which))
    typer.echo(f"Stock rows recounted: {found.row_count}. Differences: {found.differences}.")
    for example in found.examples:
        typer.echo("  " + ", ".join(f"{name} {value}" for name, value in example.items() if value is not None))
    if found.differences:
        raise SystemExit(1)


def stock_on_day(day: OnDay, store: Store = None) -> None:
    """Everything that lay somewhere at the end of a day, by the dates on the papers: CSV to the standard output."""
    with_pool(lambda pool: stock_on.export(pool, day.date(), store, sys.stdout.buffer.write))


def value_on_day(
    day: OnDay,
    method: Annotated[Method, typer.Option("--method", help="average or fifo")] = "average",
    store: Store = None,
) -> None:
    """What every product was worth at the end of a day: CSV to the standard output."""
    with_pool(lambda pool: value.export(pool, day.date(), method, store, sys.stdout.buffer.write))
