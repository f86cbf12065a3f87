"""autoshop ledger: prove that stock is what the movements add up to."""

from typing import Annotated, Literal

import typer

from autoshop.cli.run import with_pool
from autoshop.inventory.stock import service


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="Prove the ledger.", no_args_is_help=True)
    family.command(name="check")(check)
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
