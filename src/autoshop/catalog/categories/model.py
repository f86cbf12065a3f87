"""A category and its place in the tree."""

from dataclasses import dataclass

from autoshop.kit.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Category:
    """`path` are the ids from the root down to the category itself; `children` how many hang on it."""

    id: int
    code: str
    name_ru: str
    name_en: str
    parent_id: int | None
    path: tuple[int, ...]
    children: int
    version: int


MOST_LEVELS = 10  # deeper than any menu


class UnknownCategory(NotFound):
    title = "Unknown category"


class CategoryCodeTaken(Conflict):
    title = "A category with that code exists"

    def explain(self) -> str:
        return f"«{self.facts['code']}» is the code of category {self.facts['category_id']}"


class NoTree(Invalid):
    title = "That would be no tree"
