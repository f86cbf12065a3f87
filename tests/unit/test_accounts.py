"""Who may do what: roles, scopes, stores."""

import pytest

from autoshop.accounts.model import ANONYMOUS, ROLES, SCOPES, Caller, MissingScope, OtherStore, staff, system, trusted
from autoshop.kit.errors import Unauthorised
from tests.cast import CENTRE, NORTH


@pytest.mark.parametrize("scope", SCOPES)
def test_nobody_who_did_not_sign_in_may_do_anything(scope: str) -> None:
    with pytest.raises(Unauthorised):
        ANONYMOUS.must(scope)


DECIDE = {"inventory:approve", "channels:write", "webhooks:write"}  # what a manager decides


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("owner", set()),
        ("manager", {"staff:write"}),
        ("buyer", {"inventory:write", "garages:write", *DECIDE, "staff:write", "metrics:read"}),
        ("clerk", {"catalog:write", "cost:read", "levels:write", *DECIDE, "staff:write", "metrics:read"}),
        ("monitor", set(SCOPES) - {"metrics:read"}),
    ],
)
def test_a_role_may_what_it_needs_and_no_more(role: str, forbidden: set[str]) -> None:
    assert ROLES[role] == set(SCOPES) - forbidden
    for scope in forbidden:
        with pytest.raises(MissingScope):
            trusted(role).must(scope)


def test_a_clerk_acts_for_his_own_store_only() -> None:
    clerk = staff("vera", "clerk", frozenset({CENTRE}))
    clerk.must_act_for(CENTRE)
    with pytest.raises(OtherStore):
        clerk.must_act_for(NORTH)
    with pytest.raises(OtherStore):
        clerk.must_act_for(CENTRE, NORTH)


def test_a_clerk_without_a_store_acts_for_none() -> None:
    with pytest.raises(OtherStore):
        staff("vera", "clerk", frozenset()).must_act_for(CENTRE)


@pytest.mark.parametrize("role", ["owner", "manager", "buyer"])
def test_the_office_acts_for_every_store(role: str) -> None:
    assert staff("ivan", role, frozenset()).store_ids is None


def test_a_caller_acts_for_no_store_unless_one_is_named() -> None:
    with pytest.raises(OtherStore):
        Caller("token", "till", frozenset(SCOPES)).must_act_for(CENTRE)


def test_the_ledger_keeps_who_it_was() -> None:
    assert [c.actor for c in (staff("vera", "clerk", frozenset()), trusted("manager"), system("import"))] == [
        "staff:vera", "trust:manager", "system:import",
    ]  # fmt: skip
