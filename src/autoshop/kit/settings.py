"""Settings: environment variables with the prefix AUTOSHOP_, checked once at the start."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal, get_args, get_origin

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Network = IPv4Network | IPv6Network
ROLES = ("owner", "manager", "buyer", "clerk", "monitor")  # accounts says what they may; it lies above


class Settings(BaseSettings):
    """Everything that differs between a laptop, the shop's server and a test."""

    model_config = SettingsConfigDict(env_prefix="AUTOSHOP_", extra="ignore")

    database_url: str = Field(default="", description="PostgreSQL, as the role autoshop_app")
    owner_database_url: str = Field(default="", description="PostgreSQL, as the owner of the tables: migrations only")
    cache_url: str = Field(default="mem://", description="mem:// or redis://host:6379/0 (Valkey, Redis)")

    trust: str = Field(
        default="",
        description="networks whose callers without credentials act as a role: 127.0.0.0/8=manager,10.0.0.0/8=clerk",
    )
    proxies: str = Field(default="", description="networks whose X-Forwarded-For is believed")
    hosts: str = Field(default="localhost,127.0.0.1,[::1]", description="Host names that are answered; * = any")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    pool_min: int = Field(default=4, ge=1, le=100, description="database connections kept open by one process")
    pool_max: int = Field(default=8, ge=4, le=100, description="database connections of one process at most")
    statement_timeout_ms: int = Field(default=10_000, ge=100, description="a request's statement at most")
    lock_timeout_ms: int = Field(default=4_000, ge=500, description="a request's wait for a row at most")

    live_listeners: int = Field(default=1_000, ge=1, le=20_000, description="who may listen to one process at once")

    webhook_networks: str = Field(
        default="", description="networks where webhooks may call addresses that are not public, and plain http"
    )

    idempotency_days: int = Field(default=30, ge=1, description="how long a repeated key gives the same answer")
    outbox_days: int = Field(default=7, ge=1, description="how long events can be read again")
    digest_hour: int = Field(default=8, ge=0, le=23, description="from this hour on, in each store's own time zone")
    snapshot_days: int = Field(default=35, ge=2, description="daily snapshots kept; older months keep their first")

    reservation_hours: int = Field(default=24, ge=1, le=8_760, description="a hold's time where nobody says another")
    holder_days: int = Field(default=180, ge=1, description="how long it is known whom an ended hold was for")

    @field_validator("trust")
    @classmethod
    def _trust_can_be_read(cls, value: str) -> str:
        parse_trust(value)
        return value

    @field_validator("proxies", "webhook_networks")
    @classmethod
    def _networks_can_be_read(cls, value: str) -> str:
        parse_networks(value)
        return value

    @property
    def trusted(self) -> tuple[tuple[Network, str], ...]:
        return parse_trust(self.trust)

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        return parse_networks(self.proxies)

    @property
    def webhook_target_networks(self) -> tuple[Network, ...]:
        return parse_networks(self.webhook_networks)

    @property
    def host_names(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.hosts.split(",") if host.strip())


def parse_networks(text: str) -> tuple[Network, ...]:
    """`127.0.0.1,10.0.0.0/8` → networks; ValueError names the part that is none."""
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def parse_trust(text: str) -> tuple[tuple[Network, str], ...]:
    """`127.0.0.0/8=manager,…` → (network, role) pairs, first match wins."""
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        network, _, role = part.partition("=")
        if role not in ROLES:
            raise ValueError(
                f"«{part}» must read NETWORK=ROLE, as in 127.0.0.0/8=manager; roles are {', '.join(ROLES)}"
            )
        pairs.append((ip_network(network, strict=False), role))
    return tuple(pairs)


class WrongSetting(Exception):
    """A variable that cannot be read. Its text is a line for each: name, value, what is allowed."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read from the environment at the first call. Raises WrongSetting."""
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSetting("\n".join(map(_told, error.errors()))) from None


def _told(error: Any) -> str:
    name = str(error["loc"][0])
    why = _allowed(name) or f"{error.get('ctx', {}).get('error', error['msg'])}"
    return f"AUTOSHOP_{name.upper()}={error['input']} cannot be used: {why}"


def _allowed(name: str) -> str | None:
    """What a number or a choice may be; a text's own check says it better."""
    field = Settings.model_fields[name]
    if get_origin(field.annotation) is Literal:
        return f"it must be one of {', '.join(get_args(field.annotation))}"
    if field.annotation is int:
        least, most = (
            next((getattr(limit, side) for limit in field.metadata if hasattr(limit, side)), None)
            for side in ("ge", "le")
        )
        return f"it must be a whole number, {least} " + ("or more" if most is None else f"to {most}")
    return None
