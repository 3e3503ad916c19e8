"""What was left out of a working copy of an account, so that a large account costs a call no more than a small one.

A copy in part has the totals of each credit type, and the open lots that are spent first. It also has what ends
soonest, and what the call names. A rule that would have to look further raises `NotLoaded`: the work begins again with
the whole account. So a copy in part never gives another answer than the whole one; it only gives it sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

SpendingKey = tuple[int, datetime, int, int, datetime, str]


class NotLoaded(Exception):  # noqa: N818 - what happened, in a word
    """A rule asked for something of an account that was not read; the work begins again with the whole account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What of an account was not read. Lots that are not open, and holds, may always be missing.

    ``unread``: no lot was read but those of what the call names; whatever spends, or ends by itself, needs more.
    ``after``: by credit type of which not every open lot was read, the last lot read in order of spending. Any other
    open lot comes later. ``available``: what such a type has in the lots that were not read. ``until``: whatever ends
    before this instant was read; None: whatever ends. ``orders``: whose lots were all read, wherever they lie by now.
    """

    after: Mapping[str, SpendingKey] = field(default_factory=dict)
    available: Mapping[str, int] = field(default_factory=dict)
    until: datetime | None = None
    orders: frozenset[str] = frozenset()
    unread: bool = False

    def needs_lots(self) -> None:
        """Say that a rule looks at what can be spent, or at what ends. Raise `NotLoaded` where no lot was read."""
        if self.unread:
            raise NotLoaded
