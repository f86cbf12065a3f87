"""Who sends for a webhook."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for a webhook, for a while. It is named by `lease`: whoever has an older one has lost it."""

    id: int
    url: str
    secret: str
    old_secret: str | None
    lease: UUID
    in_flight: int = 1

    @property
    def secrets(self) -> list[str]:
        """Those that sign now."""
        return [self.secret, *([self.old_secret] if self.old_secret else [])]
