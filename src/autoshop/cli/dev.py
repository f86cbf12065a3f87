"""autoshop dev."""

import typer


def register(_app: typer.Typer) -> None:
    """Add the commands."""
