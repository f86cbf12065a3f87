"""A pick list: the lines of a document in the order of the shelves."""

from collections.abc import Sequence
from dataclasses import dataclass

from autoshop.warehouse.scan.model import DocumentKind, document_code


@dataclass(frozen=True, slots=True)
class PickLine:
    """Pieces to take at a store; `places` are where they may lie, the main one first, `place_key` is that one's."""

    product_id: int
    store_id: int
    brand: str
    article: str
    name: str
    quantity: int
    places: list[str]
    place_key: str | None


@dataclass(frozen=True, slots=True)
class PickList:
    """What is still to be taken for a document. `heading` says for whom, as the document does."""

    kind: DocumentKind
    id: int
    status: str
    heading: str
    related_document: str | None
    lines: tuple[PickLine, ...]

    @property
    def code(self) -> str:
        """What the barcode on the list says."""
        return document_code(self.kind, self.id)

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)


def in_walking_order(lines: Sequence[PickLine]) -> tuple[PickLine, ...]:
    """Store by store along the shelves; what has no place comes last, by brand and article."""
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                line.store_id,
                line.place_key is None,
                line.place_key or "",
                line.brand,
                line.article,
                line.product_id,
            ),
        )
    )
