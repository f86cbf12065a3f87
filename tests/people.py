"""People and programs who call the shop in the tests: hired and given tokens through the verbs themselves."""

from datetime import UTC, datetime

from fastapi import FastAPI

from autoshop.accounts import service
from autoshop.accounts.model import system
from autoshop.kit.db import Pool, transaction
from tests.cast import CENTRE_CODE, NORTH_CODE

SYSTEM = system("test")
PASSWORD = "correct horse"


async def hire(pool: Pool, login: str, role: str, *store_codes: str) -> None:
    """Somebody with a login and PASSWORD."""
    async with transaction(pool) as db:
        await service.add_staff(db, SYSTEM, login, login.title(), role, PASSWORD, list(store_codes))


async def signed_in(app: FastAPI, login: str, role: str, *store_codes: str) -> dict[str, str]:
    """Hire somebody and sign him in; returns the headers that he sends."""
    await hire(app.state.pool, login, role, *store_codes)
    token = await service.sign_in(app.state.pool, app.state.cache, login, PASSWORD, datetime.now(UTC), "10.0.0.1")
    return {"Cookie": f"{service.SESSION_COOKIE}={token}"}


async def with_token(pool: Pool, name: str, scopes: list[str], *store_codes: str) -> dict[str, str]:
    """Make an API token; returns the headers of a program that has it."""
    async with transaction(pool) as db:
        token = await service.new_token(db, SYSTEM, name, scopes, list(store_codes), None)
    return {"Authorization": f"Bearer {token}"}


async def clerk_of_centre(app: FastAPI) -> dict[str, str]:
    return await signed_in(app, "vera", "clerk", CENTRE_CODE)


async def clerk_of_north(app: FastAPI) -> dict[str, str]:
    return await signed_in(app, "oleg", "clerk", NORTH_CODE)
