"""A part of an ordered list, and the rows found there: the same for every list that is paged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")
V = TypeVar("V")
Key = list[str | int | None]
"""The place of a row in its list's order; JSON-able, so that a cursor can hold it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[V]):
    """The rows that were found, in the list's order, and the key of each.

    ``more``: the key to go on from in the direction that was asked for; None when there is nothing more.
    """

    rows: list[V]
    keys: list[Key]
    more: Key | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most ``limit`` rows after ``key`` (from the beginning without one); backward, the last ones before it."""

    limit: int = 20
    key: Key | None = None
    backward: bool = False

    @property
    def most(self) -> int:
        """Rows to read: one more than wanted tells whether there are more."""
        return self.limit + 1

    def trim(self, rows: Sequence[T]) -> tuple[list[T], bool]:
        """Return the wanted rows in the list's order, and whether there are more.

        Rows read backward come the last first.
        """
        found = list(rows[: self.limit])
        return (found[::-1] if self.backward else found), len(rows) > self.limit

    def page_of(self, rows: Sequence[T], more: bool, views: Sequence[V | None], key_of: Callable[[T], Key]) -> Page[V]:
        """The answer of what `trim` gave: a view for each row, None for one that is not shown."""
        shown = [(view, key_of(row)) for row, view in zip(rows, views, strict=True) if view is not None]
        last = key_of(rows[0 if self.backward else -1]) if more else None
        return Page([view for view, _ in shown], [key for _, key in shown], last)


class Stretch(Sequence[T]):
    """A part of a long list that stands for the whole: it knows how many rows there are, and has those from a place on.

    Whoever asks for other rows than these gets none.
    """

    def __init__(self, rows: Sequence[T], *, start: int, total: int) -> None:
        """``rows``: those from ``start`` on; ``total``: how many there are in all."""
        self._rows, self._start, self._total = rows, start, total

    def mapped(self, made: Callable[[Sequence[T]], Sequence[V]]) -> Stretch[V]:
        """Return the same stretch with its rows made into others."""
        return Stretch(made(self._rows), start=self._start, total=self._total)

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...

    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """Return the rows of a slice, of those that are here."""
        if isinstance(at, int):
            return self._rows[at - self._start]
        first, last, _ = at.indices(self._total)
        return self._rows[max(first - self._start, 0) : max(last - self._start, 0)]
