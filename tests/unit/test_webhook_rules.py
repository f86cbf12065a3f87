"""When a message is tried again, whom it is for, where it may go, how it is signed: rules without a database."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from autoshop.kit.outbox import Event, Position
from autoshop.kit.settings import parse_networks
from autoshop.webhooks.model import (
    GIVE_UP,
    MOST_QUIET,
    Delivery,
    Health,
    Outcome,
    Verdict,
    Webhook,
    after_failure,
    secret_text,
    signature,
)
from autoshop.webhooks.targets import ForbiddenTarget, check_url, why_not

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FAILED = Outcome(500, "answered 500", 3)


def delivery(attempts: int = 0) -> Delivery:
    return Delivery(
        *(1, 1, 7, "inventory.movement", {"quantity": 5}, NOW, "waiting", attempts, NOW, NOW + GIVE_UP),
        *(None, None, None, None, NOW),
    )


def verdict(attempts: int = 0, failures: int = 0, at: datetime = NOW, jitter: float = 1.0) -> Verdict:
    return after_failure(delivery(attempts), Health(failures, None), FAILED, at, jitter)


def test_each_failure_waits_three_times_as_long_until_six_hours() -> None:
    waits = [(verdict(attempts).next_at - NOW).total_seconds() for attempts in (0, 1, 2, 5, 7, 8, 500)]
    assert waits == [5, 15, 45, 1215, 10935, 21600, 21600]
    assert (verdict(jitter=0.8).next_at - NOW, verdict(9, jitter=1.2).next_at - NOW) == (
        timedelta(seconds=4),
        timedelta(hours=7.2),
    )


def test_a_message_is_tried_for_three_days_and_about_twenty_times() -> None:
    at, attempts = NOW, 0
    while not (last := verdict(attempts, at=at)).is_last:
        at, attempts = last.next_at, attempts + 1
    assert timedelta(days=2, hours=18) < at - NOW <= GIVE_UP
    assert 18 <= attempts <= 22


def test_a_receiver_is_tried_every_ten_minutes_at_least_and_first_with_what_failed() -> None:
    for failures in range(5):
        one = verdict(failures, failures, jitter=1.1)
        assert one.quiet_until == one.next_at
    assert verdict(20, 20).quiet_until - NOW == MOST_QUIET


@pytest.mark.parametrize(
    ("status", "failing", "gone"),
    [(500, None, False), (500, GIVE_UP - timedelta(1), False), (500, GIVE_UP, True), (410, None, True)],
)
def test_who_takes_nothing_for_three_days_or_says_it_is_gone_is_switched_off(
    status: int, failing: timedelta | None, gone: bool
) -> None:
    health = Health(1, None if failing is None else NOW - failing)
    reason = after_failure(delivery(), health, Outcome(status, "no", 1), NOW, 1).disabled_reason
    assert (reason is not None) is gone


def webhook(*topics: str, stores: tuple[int, ...] | None = None, since: Position = Position(1)) -> Webhook:
    return Webhook(
        *(
            1,
            "https://a.example",
            None,
            topics,
            stores,
            None,
            True,
            1,
            None,
            since,
            "test:a",
            NOW,
            NOW,
            None,
            None,
            0,
            0,
            1,
        )
    )


@pytest.mark.parametrize(
    ("pattern", "topic", "wanted"),
    [
        ("*", "sales.order", True),
        ("inventory.*", "inventory.movement", True),
        ("inventory.*", "inventory.count.closed", True),
        ("inventory.*", "inventoryx.movement", False),
        ("inventory.*", "inventory", False),
        ("inventory.movement", "inventory.movement", True),
        ("inventory.movement", "inventory.movements", False),
    ],
)
def test_a_topic_is_wanted_by_name_or_by_its_beginning(pattern: str, topic: str, wanted: bool) -> None:
    assert webhook("none", pattern).wants(Event(5, 1, topic, {}, NOW)) is wanted


def test_an_event_without_a_store_is_for_all_and_one_from_before_for_nobody() -> None:
    event = Event(5, 1, "a", {"store_id": 2}, NOW)
    assert webhook("*", stores=(2, 3)).wants(event)
    assert not webhook("*", stores=(1,)).wants(event)
    assert webhook("*", stores=(1,)).wants(Event(5, 1, "a", {}, NOW))
    assert not webhook("*", since=Position(6)).hears(event)
    assert webhook("*", since=Position(6, frozenset({5}))).hears(event)


def test_the_signature_is_that_of_the_convention() -> None:
    """The example of standardwebhooks.com's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signed = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature([secret, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == f"{signed} {signed}"


def test_the_receiver_in_the_documents_knows_ours_from_others() -> None:
    document = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
    known: dict[str, Any] = {}
    exec(document.partition("```python\n")[2].partition("```")[0], known)
    secret, at, body = secret_text(b"k" * 32), int(time.time()), delivery().body()
    signed = signature([secret_text(b"old"), secret], "evt_7", at, body)
    headers = {"webhook-id": "evt_7", "webhook-timestamp": str(at), "webhook-signature": signed}
    assert known["is_genuine"](secret, headers, body)
    assert not known["is_genuine"](secret, headers, body + b" ")
    assert not known["is_genuine"](secret_text(b"other"), headers, body)
    late = {**headers, "webhook-timestamp": str(at - 600)}
    late["webhook-signature"] = signature([secret], "evt_7", at - 600, body)
    assert not known["is_genuine"](secret, late, body)


def test_the_body_is_the_event_with_its_id() -> None:
    assert delivery().body() == (
        b'{"id":"evt_7","type":"inventory.movement","timestamp":"2026-01-01T12:00:00Z","data":{"quantity":5}}'
    )


INSIDE = ["127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"]
INSIDE += ["255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1"]
INSIDE += [
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "::7f00:1",
    "2001:db8::1",
    "fec0::1",
]
INSIDE += ["2001:0:4136:e378:8000:63bf:80ff:fffe"]  # Teredo, to 127.0.0.1


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert why_not(ip_address(address), "https", ())
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ForbiddenTarget):
        check_url(f"https://{host}/", ())


@pytest.mark.parametrize("host", ["xn--", "xn--a"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenTarget):
        check_url(f"https://{host}/", ())


def test_what_is_public_is_called_over_https_and_what_the_owner_names_in_any_way() -> None:
    for address in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert why_not(ip_address(address), "https", ()) is None
        assert why_not(ip_address(address), "http", ()) is not None
    shop = parse_networks("192.168.1.0/24,::1/128")
    for address in ("192.168.1.7", "::ffff:192.168.1.7", "::1"):
        assert why_not(ip_address(address), "http", shop) is None
    assert why_not(ip_address("192.168.2.7"), "https", shop)
    check_url("http://bitrix.local:8080/hook?x=1", shop)  # looked up when something is sent
    check_url("https://пример.рф/крючок", ())
