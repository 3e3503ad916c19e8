"""The time line: a set of open instants, and exact arithmetic on it in every zone (TERMS-1, TERMS-4).

Segments of the years in use form one sorted index with running totals. F(t), the business seconds before t, is one
bisect. Everything else follows from F: ``between`` is F(b) - F(a). A due time is the smallest u with F(u) = F(t) + n.
All arithmetic is on UTC integers. Adding or subtracting inside one ``zoneinfo`` zone is wall-clock arithmetic, wrong by
an hour across a transition. Datetimes that differ only in ``fold`` compare equal there.

Methods come in pairs. ``add_left`` takes aware datetimes, floored to the second, and answers in UTC. ``add_left_s``
takes seconds since 1970.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from app.domain.calendar import intervals as sets
from app.domain.calendar.intervals import Segment
from app.domain.calendar.opening_hours import Closure
from app.domain.values.errors import DomainError

DAY_S: Final = 86_400
ONE_DAY: Final = timedelta(days=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
HORIZON_YEARS: Final = 20
HORIZON_S: Final = HORIZON_YEARS * 31_557_600
"""Twenty Julian years. It bounds the answer, not the cache: what was asked before changes no answer."""
MIN_YEAR: Final = 1900
MAX_YEAR: Final = 2299
_FAR_PAST: Final = -(1 << 62)


class SlaUnreachable(DomainError):  # noqa: N818 - the word of the API
    """The calendar does not open enough within twenty years; an answer would be meaningless."""

    def __init__(self, calendar: str) -> None:
        super().__init__("sla_unreachable", calendar=calendar, years=HORIZON_YEARS)


class InstantOutOfRange(DomainError):  # noqa: N818 - the word of the API
    """Before 1900 or after 2299: bounded, so that a hostile date cannot make us build thousands of years."""

    def __init__(self, year: int) -> None:
        super().__init__("instant_out_of_range", year=year, first_year=MIN_YEAR, last_year=MAX_YEAR)


def to_s(at: datetime) -> int:
    """Seconds since 1970 of an aware datetime, floored. A naive one is a TypeError: there is no zone to guess."""
    delta = at - EPOCH
    return delta.days * DAY_S + delta.seconds


def from_s(second: int) -> datetime:
    """The UTC datetime of a second since 1970."""
    return EPOCH + timedelta(0, second)


class Piece(NamedTuple):
    """UTC seconds ``[start, end)`` in which the zone's offset (seconds east) is constant."""

    start: int
    end: int
    offset: int


def offset_pieces(zone: ZoneInfo, start: int, end: int) -> tuple[Piece, ...]:
    """The constant-offset pieces of ``[start, end)``; equal before and after an upgrade, nothing changes.

    The pieces are found by sampling each day and bisecting to the second. No zone has left and regained an offset
    within one day.
    """
    found: list[Piece] = []
    begin, at, offset = start, start, _offset(zone, start)
    while at < end:
        following = min(at + DAY_S, end)
        changed = _offset(zone, following)
        if changed == offset:
            at = following
            continue
        low, high = at, following
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone, middle) == offset:
                low = middle
            else:
                high = middle
        if high >= end:
            break
        found.append(Piece(begin, high, offset))
        begin, at, offset = high, high, _offset(zone, high)
    found.append(Piece(begin, end, offset))
    return tuple(found)


def _offset(zone: ZoneInfo, second: int) -> int:
    delta = from_s(second).astimezone(zone).utcoffset()
    if delta is None:  # a ZoneInfo always knows; this is for the type checker
        raise ValueError(f"{zone.key} has no offset")
    return delta.days * DAY_S + delta.seconds


def year_start(year: int) -> int:
    return (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY_S


@lru_cache(maxsize=4096)
def year_pieces(zone: ZoneInfo, year: int) -> tuple[Piece, ...]:
    # Two days more on both sides hold all of the local dates of the year, whatever the zone.
    return offset_pieces(zone, year_start(year) - 2 * DAY_S, year_start(year + 1) + 2 * DAY_S)


class Year(NamedTuple):
    """One UTC year of segments, and for each business date of the local year its first opening and last close."""

    segments: list[Segment]
    days: dict[int, Segment]
    ordinals: list[int]


class _Index(NamedTuple):
    """Segments of contiguous years. Entry 0 is a sentinel that ends where the index begins, which spares a branch."""

    low: int
    high: int
    starts: list[int]
    ends: list[int]
    totals: list[int]
    first_year: int
    last_year: int


class Timeline:
    """A set of open instants with local dates: what calendars and their combinations have in common.

    The index grows as it is asked. It is replaced as a whole, so that concurrent readers never see half of one.
    """

    goes_over_midnight = False
    """Whether a business date may go on after midnight."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self.name = name
        self.zone = zone
        self.dues: dict[Any, int | None] = {}
        """Due times that were worked out on it (`app.domain.clocks.target.due_s`)."""
        self._years: dict[int, Year] = {}
        self._index = _Index(0, 0, [_FAR_PAST], [0], [0], 0, -1)
        self._hot: tuple[int, int, list[int], list[int], list[int]] = (0, 0, [_FAR_PAST], [0], [0])

    def build_year(self, year: int) -> Year:
        raise NotImplementedError

    def _year(self, year: int) -> Year:
        if not MIN_YEAR <= year <= MAX_YEAR:
            raise InstantOutOfRange(year)
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self.build_year(year)
        return known

    def _cover(self, first: int, last: int) -> _Index:
        """An index that holds the seconds ``first`` and ``last``, and all that it held before."""
        low, high = from_s(first).year, from_s(last).year
        if self._index.first_year <= self._index.last_year:
            low, high = min(low, self._index.first_year), max(high, self._index.last_year)
        return self._cover_years(low, high)

    def _cover_years(self, low: int, high: int) -> _Index:
        starts, ends, totals = [_FAR_PAST], [year_start(low)], [0]
        total = 0
        for year in range(low, high + 1):
            for start, end in self._year(year).segments:
                total += end - start
                if start == ends[-1] and len(ends) > 1:
                    ends[-1], totals[-1] = end, total
                else:
                    starts.append(start)
                    ends.append(end)
                    totals.append(total)
        self._index = _Index(year_start(low), year_start(high + 1), starts, ends, totals, low, high)
        # A plain tuple unpacks twice as fast as a named one, and the two hot functions need no more.
        self._hot = (self._index.low, self._index.high, starts, ends, totals)
        return self._index

    def _reach(self, second: int) -> _Index:
        index = self._index
        return index if index.low <= second < index.high else self._cover(second, second)

    def _grow_right(self, index: _Index, origin: int) -> _Index:
        """One more year, or SlaUnreachable when that would start past the horizon of ``origin``."""
        if index.high > origin + HORIZON_S or index.last_year >= MAX_YEAR:
            raise SlaUnreachable(self.name)
        return self._cover_years(index.first_year, index.last_year + 1)

    # -- seconds

    def add_left_s(self, second: int, seconds: int) -> int:
        """The earliest instant with ``seconds`` more business seconds behind it: a due time. Zero is the start."""
        low, high, starts, ends, totals = self._hot
        if not low <= second < high:
            low, high, starts, ends, totals = self._cover(second, second)[:5]
        if seconds <= 0:
            return _not_negative(second, seconds)
        i = bisect_right(starts, second) - 1
        left = ends[i] - second
        goal = totals[i] + seconds - left if left > 0 else totals[i] + seconds
        if goal > totals[-1]:
            index = self._index
            while goal > index.totals[-1]:
                index = self._grow_right(index, second)
            ends, totals = index.ends, index.totals
        i = bisect_left(totals, goal, i)
        due = ends[i] - totals[i] + goal
        if due - second > HORIZON_S:
            raise SlaUnreachable(self.name)
        return due

    def add_right_s(self, second: int, seconds: int) -> int:
        """The latest such instant, always open: when work resumes. With zero seconds, the next open instant or now."""
        if seconds < 0:
            _not_negative(second, seconds)
        index = self._reach(second)
        goal = _passed(index, second) + seconds
        while goal >= index.totals[-1]:
            index = self._grow_right(index, second)
        i = bisect_right(index.totals, goal)
        resumes = index.ends[i] - index.totals[i] + goal
        if resumes - second > HORIZON_S:
            raise SlaUnreachable(self.name)
        return resumes

    def sub_s(self, second: int, seconds: int) -> int:
        """The latest instant with ``seconds`` business seconds between it and ``second``; it is open unless zero."""
        if seconds <= 0:
            return _not_negative(second, seconds)
        index = self._reach(second)
        goal = _passed(index, second) - seconds
        while goal < 0:
            if index.low < second - HORIZON_S or index.first_year <= MIN_YEAR:
                raise SlaUnreachable(self.name)
            index = self._cover_years(index.first_year - 1, index.last_year)
            goal = _passed(index, second) - seconds
        i = bisect_right(index.totals, goal)
        found = index.ends[i] - index.totals[i] + goal
        if second - found > HORIZON_S:
            raise SlaUnreachable(self.name)
        return found

    def between_s(self, start: int, end: int) -> int:
        """Business seconds in ``[start, end)``; zero when ``end`` comes first."""
        if end <= start:
            return 0
        low, high, starts, ends, totals = self._hot
        if not (low <= start < high and low <= end < high):
            low, high, starts, ends, totals = self._cover(start, end)[:5]
        i = bisect_right(starts, start) - 1
        j = bisect_right(starts, end) - 1
        before, after = ends[i] - start, ends[j] - end
        # a call of max() costs a tenth of the whole
        return totals[j] - totals[i] - (after if after > 0 else 0) + (before if before > 0 else 0)  # noqa: FURB136

    def is_open_s(self, second: int) -> bool:
        """The membership rule."""
        index = self._reach(second)
        return second < index.ends[bisect_right(index.starts, second) - 1]

    def segments_s(self, start: int, end: int) -> list[Segment]:
        """The open segments inside ``[start, end)``, merged."""
        if start >= end:
            return []
        index = self._index
        if not (index.low <= start and end <= index.high):
            index = self._cover(start, end - 1)
        i = max(1, bisect_right(index.starts, start) - 1)
        j = bisect_left(index.starts, end)
        return sets.clip(zip(index.starts[i:j], index.ends[i:j], strict=True), start, end)

    def next_opening_s(self, second: int) -> int | None:
        """The first start of a segment strictly after ``second``; None when there is none within the horizon."""
        return self._next_edge(second, opening=True)

    def next_close_s(self, second: int) -> int | None:
        """The first end of a segment strictly after ``second``; None when there is none within the horizon."""
        return self._next_edge(second, opening=False)

    def _next_edge(self, second: int, *, opening: bool) -> int | None:
        index = self._reach(second)
        while True:
            edges = index.starts if opening else index.ends
            i = max(1, bisect_right(edges, second))
            # A close at the very end of the index may only be the year's end: look one year further.
            if i < len(edges) and edges[i] < index.high:
                return edges[i] if edges[i] - second <= HORIZON_S else None
            try:
                index = self._grow_right(index, second)
            except SlaUnreachable:
                return None

    # -- local dates

    def local_date_s(self, second: int) -> date:
        """The local date on the calendar's wall clock."""
        return from_s(second).astimezone(self.zone).date()

    def business_date_s(self, second: int) -> date:
        """The date an instant counts for: its local date, or the date before whose shift it still lies in."""
        on = from_s(second).astimezone(self.zone).date()
        if not self.goes_over_midnight or on.year <= MIN_YEAR:
            return on
        before = on - ONE_DAY
        span = self.date_span_s(before)
        return before if span is not None and span[0] <= second < span[1] else on

    def start_of_date_s(self, on: date) -> int:
        """The first instant of a local date; of a date the zone skipped, the instant of the skip."""
        # fold=0 reads a wall time inside a gap with the offset before it, which is the transition itself at midnight.
        return to_s(datetime(on.year, on.month, on.day, tzinfo=self.zone))

    def is_business_date(self, on: date) -> bool:
        """A local date with at least one open second."""
        return on.toordinal() in self._year(on.year).days

    def date_span_s(self, on: date) -> Segment | None:
        """First opening and last close of a local date; None when it does not open."""
        return self._year(on.year).days.get(on.toordinal())

    def close_of_s(self, on: date) -> int:
        """The last close of a business date; another date is refused."""
        return self._span(on)[1]

    def open_of_s(self, on: date) -> int:
        """The first opening of a business date; another date is refused."""
        return self._span(on)[0]

    def _span(self, on: date) -> Segment:
        span = self.date_span_s(on)
        if span is None:
            raise ValueError(f"{on} is not a business date of {self.name}")
        return span

    def business_date_after(self, on: date, count: int = 1) -> date:
        """The ``count``-th business date strictly after ``on`` (``count`` >= 1). Dates are stepped, never 24 hours."""
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        ordinal, year = on.toordinal(), on.year
        last = on.year + HORIZON_YEARS
        while year <= min(last, MAX_YEAR):
            ordinals = self._year(year).ordinals
            i = bisect_right(ordinals, ordinal) + count - 1
            if i < len(ordinals):
                return date.fromordinal(ordinals[i])
            count = i - len(ordinals) + 1
            year += 1
        raise SlaUnreachable(self.name)

    def closures(self, first: date, last: date) -> tuple[Closure, ...]:
        """Closed dates from ``first`` to ``last``, both included, with all reasons; a bare timeline names none."""
        return ()

    # -- the border: aware datetimes

    def add_left(self, at: datetime, seconds: int) -> datetime:
        """Due time: the earliest instant with ``seconds`` business seconds since ``at`` (TERMS-4)."""
        delta = at - EPOCH
        return EPOCH + timedelta(0, self.add_left_s(delta.days * DAY_S + delta.seconds, seconds))

    def add_right(self, at: datetime, seconds: int) -> datetime:
        """Work resumes: the latest instant with ``seconds`` business seconds since ``at``; always open."""
        return from_s(self.add_right_s(to_s(at), seconds))

    def sub(self, at: datetime, seconds: int) -> datetime:
        """The latest instant that lies ``seconds`` business seconds before ``at``."""
        return from_s(self.sub_s(to_s(at), seconds))

    def between(self, start: datetime, end: datetime) -> int:
        """Business seconds from ``start`` to ``end``; zero when ``end`` comes first."""
        a, b = start - EPOCH, end - EPOCH
        return self.between_s(a.days * DAY_S + a.seconds, b.days * DAY_S + b.seconds)

    def is_open(self, at: datetime) -> bool:
        """Whether ``at`` is business time."""
        return self.is_open_s(to_s(at))

    def next_opening(self, at: datetime) -> datetime | None:
        """The next opening strictly after ``at``, also when it is open now; None when there is none in twenty years."""
        found = self.next_opening_s(to_s(at))
        return None if found is None else from_s(found)

    def next_close(self, at: datetime) -> datetime | None:
        """The next close strictly after ``at``; None for a calendar that does not close in twenty years."""
        found = self.next_close_s(to_s(at))
        return None if found is None else from_s(found)

    def local_date(self, at: datetime) -> date:
        """The local date of ``at`` on the calendar's wall clock."""
        return self.local_date_s(to_s(at))

    def open_of(self, on: date) -> datetime:
        """First opening of a business date."""
        return from_s(self.open_of_s(on))

    def close_of(self, on: date) -> datetime:
        """Last close of a business date."""
        return from_s(self.close_of_s(on))


def _passed(index: _Index, second: int) -> int:
    """F: business seconds of the index before ``second``."""
    i = bisect_right(index.starts, second) - 1
    left = index.ends[i] - second
    return index.totals[i] - left if left > 0 else index.totals[i]


def _not_negative(second: int, seconds: int) -> int:
    if seconds < 0:
        raise ValueError(f"an amount of time is never negative, got {seconds}")
    return second
