"""autoshop staff, autoshop token: who may come in."""

import sys
from typing import Annotated

import typer

from autoshop.accounts import service
from autoshop.accounts.model import ROLES, SCOPES
from autoshop.cli.run import with_pool
from autoshop.kit.db import Pool, transaction

Stores = Annotated[list[str] | None, typer.Option("--store", help="code of a store; repeat for several")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    staff = typer.Typer(help="People who sign in.", no_args_is_help=True)
    staff.command(name="add")(add_staff)
    app.add_typer(staff, name="staff")
    token = typer.Typer(help="Programs that call the API.", no_args_is_help=True)
    token.command(name="new")(new_token)
    token.command(name="revoke")(revoke_token)
    app.add_typer(token, name="token")


def add_staff(
    login: Annotated[str, typer.Argument(help="what the person types to sign in")],
    role: Annotated[str, typer.Option(help="owner, manager, buyer or clerk")],
    name: Annotated[str, typer.Option(help="full name; the login if left out")] = "",
    store: Stores = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="read the password from stdin")] = False,
) -> None:
    """Add a person. Asks for the password; a clerk needs --store."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def work(pool: Pool) -> None:
        async with transaction(pool) as db:
            await service.add_staff(db, login, name or login, role, password, store or [])

    with_pool(work)
    typer.echo(f"{login} may sign in as {role}.")


def new_token(
    name: Annotated[str, typer.Option(help="what the token is for: till-1, bitrix, smoke")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}; repeat for several; a clerk's if left out")
    ] = None,
    store: Stores = None,
    days: Annotated[int | None, typer.Option(help="days until it expires; never if left out", min=1)] = None,
) -> None:
    """Make an API token and print it: it is shown this once."""
    scopes = scope or sorted(ROLES["clerk"])

    async def work(pool: Pool) -> str:
        async with transaction(pool) as db:
            return await service.new_token(db, name, scopes, store or [], days, "system:cli")

    typer.echo(with_pool(work))


def revoke_token(name: Annotated[str, typer.Argument(help="the token's name")]) -> None:
    """Make a token useless, in every process within a second."""

    async def work(pool: Pool) -> None:
        async with transaction(pool) as db:
            await service.revoke_token(db, name)

    with_pool(work)
    typer.echo(f"{name} is revoked.")
