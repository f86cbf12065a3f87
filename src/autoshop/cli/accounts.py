"""autoshop staff, autoshop token: who may come in."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from autoshop.accounts import service, store
from autoshop.accounts.model import EVERY_STORE, ROLES, SCOPES, check_role, system
from autoshop.cli.run import with_pool
from autoshop.kit.db import Connection, Pool, transaction

T = TypeVar("T")

CALLER = system("cli")
Stores = Annotated[list[str] | None, typer.Option("--store", help="code of a store; repeat for several")]
Login = Annotated[str, typer.Argument(help="what the person types to sign in")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from stdin")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    staff = typer.Typer(help="People who sign in.", no_args_is_help=True)
    staff.command(name="add")(add_staff)
    staff.command(name="list")(list_staff)
    staff.command(name="dismiss")(dismiss)
    staff.command(name="restore")(restore)
    staff.command(name="password")(change_password)
    app.add_typer(staff, name="staff")
    token = typer.Typer(help="Programs that call the API.", no_args_is_help=True)
    token.command(name="new")(new_token)
    token.command(name="list")(list_tokens)
    token.command(name="revoke")(revoke_token)
    app.add_typer(token, name="token")


def add_staff(
    login: Login,
    role: Annotated[str, typer.Option(help="owner, manager, buyer or clerk")],
    name: Annotated[str, typer.Option(help="full name; the login if left out")] = "",
    store: Stores = None,
    password_stdin: FromStdin = False,
) -> None:
    """Add a person. Asks for the password; a clerk needs --store, the others act for all stores."""
    check_role(role, store or [])
    password = _password(password_stdin)
    _once(lambda db: service.add_staff(db, CALLER, login, name or login, role, password, store or []))
    typer.echo(f"{login} may sign in as {role}.")


def list_staff() -> None:
    """Everybody, also those who were dismissed."""
    _table(
        ("login", "name", "role", "stores", "since", "state"),
        [
            (one.login, one.name, one.role, _stores(one), _day(one.created_at), "active" if one.active else "dismissed")
            for one in with_pool(store.list_staff)
        ],
    )


def dismiss(login: Login) -> None:
    """Let a person in no more, in every process within a second. What was posted keeps its name."""
    _once(lambda db: service.dismiss(db, CALLER, login))
    typer.echo(f"{login} is dismissed.")


def restore(login: Login) -> None:
    """Let a person who was dismissed in again, with the old password."""
    _once(lambda db: service.restore(db, CALLER, login))
    typer.echo(f"{login} may sign in again.")


def change_password(login: Login, password_stdin: FromStdin = False) -> None:
    """Give a person a new password; asks for it. Whoever is signed in with the old one is signed out."""
    password = _password(password_stdin)
    _once(lambda db: service.change_password(db, CALLER, login, password))
    typer.echo(f"{login} has a new password.")


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
    typer.echo(_once(lambda db: service.new_token(db, CALLER, name, scopes, store or [], days)))


def list_tokens() -> None:
    """All tokens and what they may do; never the token itself."""
    _table(
        ("name", "scopes", "stores", "created", "expires", "revoked"),
        [
            (
                one.name,
                ",".join(one.scopes),
                "all" if one.stores is None else ",".join(one.stores),
                _day(one.created_at),
                _day(one.expires_at),
                _day(one.revoked_at),
            )
            for one in with_pool(store.list_tokens)
        ],
    )


def revoke_token(name: Annotated[str, typer.Argument(help="the token's name")]) -> None:
    """Make a token useless, in every process within a second."""
    _once(lambda db: service.revoke_token(db, CALLER, name))
    typer.echo(f"{name} is revoked.")


def _once(verb: Callable[[Connection], Awaitable[T]]) -> T:
    async def work(pool: Pool) -> T:
        async with transaction(pool) as db:
            return await verb(db)

    return with_pool(work)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"


def _stores(one: store.Listed) -> str:
    return "all" if one.role in EVERY_STORE else ",".join(one.stores) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
