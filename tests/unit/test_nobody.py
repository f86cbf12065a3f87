"""An unknown login is answered as slowly as a wrong password."""

from autoshop.accounts import service


def test_the_hash_for_unknown_logins_costs_as_much_as_a_real_one() -> None:
    assert not service._hasher.check_needs_rehash(service._NOBODY)
