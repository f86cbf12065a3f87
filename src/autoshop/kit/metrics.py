"""What Prometheus reads from this process at /metrics."""

from collections.abc import Mapping

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

REQUEST_SECONDS = Histogram(
    "autoshop_request_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
REQUESTS_IN_FLIGHT = Gauge("autoshop_requests_in_flight", "Requests being answered now")
MOVEMENTS = Counter("autoshop_movements_total", "Movements posted by this process", ["movement_type"])
MOVEMENT_GROUP = Histogram(
    "autoshop_movement_group_size", "Movements that shared one statement", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
LEDGER_DIFFERENCES = Gauge("autoshop_ledger_differences", "Products × stores whose stock the last recount refuted")
LEDGER_CHECKED = Gauge("autoshop_ledger_checked_timestamp_seconds", "When the last recount ended")
JOBS_WAITING = Gauge("autoshop_jobs_waiting", "Jobs that wait for a worker")
OUTBOX_LAG = Gauge("autoshop_outbox_rows", "Events kept in the outbox (estimate)")
WEBHOOKS = Gauge(
    "autoshop_webhook_messages",
    "Attempts to deliver that succeeded (delivered) and did not (failed), ever; messages that wait, or were given up",
    ["state"],
)
POOL_BUSY = Gauge("autoshop_db_connections_busy", "Database connections of this process in use")


def count_posted(movements: Mapping[str, int]) -> None:
    """Count movements that are committed, by type."""
    for movement_type, count in movements.items():
        MOVEMENTS.labels(movement_type).inc(count)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
