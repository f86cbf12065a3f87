"""The command line: `autoshop COMMAND`. One file a family of commands."""

import sys
from importlib import import_module

import typer

from autoshop.kit.errors import Refusal
from autoshop.kit.settings import WrongSetting

app = typer.Typer(
    help="AUTOSHOP: one stock ledger over all stores and channels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run a command. A refusal or a wrong setting is told in a line, without a traceback."""
    for family in ("serve", "dev", "demo", "imports", "ledger", "search", "vin", "plugs", "accounts", "docs"):
        import_module(f"autoshop.cli.{family}").register(app)
    try:
        app(prog_name="autoshop")
    except Refusal as refusal:
        typer.secho(f"{refusal.title}: {refusal.detail}", fg="red", err=True)
        sys.exit(1)
    except WrongSetting as wrong:
        typer.secho(str(wrong), fg="red", err=True)
        sys.exit(2)
