"""Callers, roles and scopes. Pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from autoshop.kit.errors import Forbidden, Invalid, Unauthorised

SCOPES = {
    "inventory:read": "see stock, movements and transfers of all stores",
    "inventory:write": "post movements, ship and receive, for one's own stores",
    "inventory:approve": "decide what a clerk may not: approve stocktakes, correct whole shelves, undo documents,"
    " take back without a receipt, close periods",
    "documents:write": "send documents of many lines; what is in them needs its own right",
    "levels:write": "say how many of a product a store should have",
    "channels:write": "name sales channels and say which pieces they never see",
    "catalog:read": "see products, brands, categories, stores and prices",
    "catalog:write": "create and change them, and import price lists and stock",
    "garages:write": "see and change the cars that customers keep, with their VINs",
    "cost:read": "see cost prices",
    "webhooks:write": "have events of all stores sent to other programs",
    "staff:write": "create staff and API tokens",
    "metrics:read": "read /metrics",
}

ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "manager": frozenset(SCOPES) - {"staff:write"},
    "buyer": frozenset(
        {"inventory:read", "levels:write", "documents:write", "catalog:read", "catalog:write", "cost:read"}
    ),
    "clerk": frozenset({"inventory:read", "inventory:write", "documents:write", "catalog:read", "garages:write"}),
    "monitor": frozenset({"metrics:read"}),
}

# Roles that act for every store; a clerk acts for the stores named with him.
EVERY_STORE = frozenset({"owner", "manager", "buyer"})


def login_of(typed: str) -> str:
    """A login as it is kept, whatever the keyboard added."""
    return typed.strip().lower()


def check_role(role: str, store_codes: Sequence[str]) -> None:
    """Refuse a role that nobody can be hired for, a clerk without a store, and stores for who acts for all."""
    if role not in ROLES or role == "monitor":
        raise Invalid(f"Unknown role «{role}»; there are owner, manager, buyer and clerk")
    if role == "clerk" and not store_codes:
        raise Invalid("A clerk acts for named stores: name at least one")
    if role in EVERY_STORE and store_codes:
        raise Invalid(f"The role «{role}» acts for all stores: name none")


class BoundToStores(Forbidden):
    title = "Not for one store alone"

    def explain(self) -> str:
        return "Only somebody who acts for every store may do that"


class OtherStore(Forbidden):
    title = "Not your store"

    def explain(self) -> str:
        return f"You do not act for store {self.facts['store_id']}"


class MissingScope(Forbidden):
    title = "Not allowed"

    def explain(self) -> str:
        return f"This needs the right «{self.facts['scope']}»: {SCOPES[self.facts['scope']]}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `store_ids` None = every store; `actor` is what the ledger keeps."""

    kind: Literal["staff", "token", "trust", "system", "anonymous"]
    name: str
    scopes: frozenset[str]
    store_ids: frozenset[int] | None = field(default=frozenset())
    role: str | None = None

    @property
    def actor(self) -> str:
        """`staff:ivan`, `token:till-1`, `trust:manager`, `system:import`."""
        return f"{self.kind}:{self.name}"

    def may(self, scope: str) -> bool:
        """Whether the caller holds a scope."""
        return scope in self.scopes

    def must(self, scope: str) -> None:
        """Refuse a caller without the scope: 401 where nobody signed in, 403 otherwise."""
        if scope not in self.scopes:
            raise Unauthorised if self.kind == "anonymous" else MissingScope(scope=scope)

    def acts_for(self, store_id: int) -> bool:
        """Whether the caller may write for the store."""
        return self.store_ids is None or store_id in self.store_ids

    def must_act_for(self, *store_ids: int) -> None:
        """Refuse a caller who does not act for one of the stores."""
        for store_id in store_ids:
            if not self.acts_for(store_id):
                raise OtherStore(store_id=store_id)

    def must_act_for_one_of(self, *store_ids: int) -> None:
        """Refuse a caller who acts for none of the stores."""
        if self.store_ids is not None and self.store_ids.isdisjoint(store_ids):
            raise OtherStore(store_id=store_ids[-1])

    def must_act_for_all(self) -> None:
        """Refuse a caller who is bound to some stores."""
        if self.store_ids is not None:
            raise BoundToStores


ANONYMOUS = Caller("anonymous", "", frozenset())


def system(name: str) -> Caller:
    """The caller for jobs and the command line: everything is allowed, and the ledger names it."""
    return Caller("system", name, frozenset(SCOPES), None)


def trusted(role: str) -> Caller:
    """The caller for a network that AUTOSHOP_TRUST names."""
    return Caller("trust", role, ROLES[role], None, role)


def staff(login: str, role: str, store_ids: frozenset[int]) -> Caller:
    """A signed-in person."""
    return Caller("staff", login, ROLES[role], None if role in EVERY_STORE else store_ids, role)
