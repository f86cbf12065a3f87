"""All routes of the application, flat, and what each declares about its callers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

# Whoever is let in is never done reading: not for tests that read each answer to its end.
ENDLESS = {"GET /api/v1/inventory/events"}


@dataclass(frozen=True)
class Declared:
    """A method of a route; `scope` is None where the route says nothing."""

    method: str
    path: str
    scope: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: Starlette) -> list[Declared]:
    """Every method of every route, in the order of the application."""
    return list(_walk(app.routes, ""))


def _walk(routes: Sequence[BaseRoute], prefix: str) -> Iterator[Declared]:
    for route in routes:
        included = getattr(route, "original_router", None)  # FastAPI keeps an included router as one entry
        if included is not None:
            yield from _walk(included.routes, prefix)
        elif isinstance(route, APIRoute):
            yield from _methods(route, prefix, _declared_by(route.dependant))
        elif isinstance(route, Route):
            yield from _methods(route, prefix, getattr(route.endpoint, "declares", None))
        elif isinstance(route, Mount) and route.routes:
            yield from _walk(route.routes, prefix + route.path)
        else:
            yield Declared("*", prefix + getattr(route, "path", repr(route)), None)


def _methods(route: Route | APIRoute, prefix: str, scope: str | None) -> Iterator[Declared]:
    for method in sorted((route.methods or set()) - {"HEAD"}):
        yield Declared(method, prefix + route.path, scope)


def _declared_by(dependant: Dependant) -> str | None:
    for needed in dependant.dependencies:
        scope = getattr(needed.call, "declares", None) or _declared_by(needed)
        if scope is not None:
            return str(scope)
    return None
