"""Sets of instants, as sorted, disjoint, half-open intervals of UTC seconds.

A segment ``(start, end)`` holds every second ``t`` with ``start <= t < end``, counted from 1970-01-01T00:00:00Z.
Because the sets live in UTC, calendars of different zones combine without anyone's zone winning.
"""

from collections.abc import Iterable, Sequence

Segment = tuple[int, int]


def normalise(segments: Iterable[Segment]) -> list[Segment]:
    """The same set, sorted, with overlapping and adjacent segments merged and empty ones dropped."""
    merged: list[Segment] = []
    for start, end in sorted(segments):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def intersection(left: Sequence[Segment], right: Sequence[Segment]) -> list[Segment]:
    """Instants in both sets (our hours AND your hours). Both arguments must be normalised."""
    found: list[Segment] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return found


def difference(left: Sequence[Segment], right: Sequence[Segment]) -> list[Segment]:
    """Instants of the left set that are not in the right one (what a change takes away). Both must be normalised."""
    found: list[Segment] = []
    j = 0
    for begin, end in left:
        start = begin
        while j < len(right) and right[j][1] <= start:
            j += 1
        k = j
        while k < len(right) and right[k][0] < end:
            if right[k][0] > start:
                found.append((start, right[k][0]))
            start = max(start, right[k][1])
            k += 1
        if start < end:
            found.append((start, end))
    return found


def clip(segments: Iterable[Segment], start: int, end: int) -> list[Segment]:
    """The part of the set inside ``[start, end)``."""
    return [(max(a, start), min(b, end)) for a, b in segments if a < end and b > start]


def length(segments: Iterable[Segment]) -> int:
    """Seconds in the set."""
    return sum(b - a for a, b in segments)
