"""Covers of a license that was taken back: none serves past the license's end, wherever it would stand by now.

A cover that waits for others moves when history is corrected. So a refunded license might get it anew. It is laid out
as if the license stood, and then ends with the license. It keeps in its `data` how it stood (``whole``), with what was
taken of its credits. So a license that stands again has its cover again, and each correction finds it where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.domain.account.customer import Cover, License
from app.domain.values.wire import iso_or_none, parse_iso_or_none

WHOLE: Final = "whole"
_TIMES: Final = ("starts_at", "ends_at", "suspended_at")


def times_of(cover: Cover) -> dict[str, Any]:
    """Return how a period stands, to be kept with what was taken."""
    return {"state": cover.state, **{name: iso_or_none(getattr(cover, name)) for name in _TIMES}}


def stand_again(cover: Cover, was: Mapping[str, Any]) -> None:
    """Let a period stand as it did before it was taken."""
    cover.state, cover.voided_at = was["state"], None
    for name in _TIMES:
        setattr(cover, name, parse_iso_or_none(was[name]))


def gone(license_: License | None) -> bool:
    """Whether a license was refunded, or taken out of its order."""
    return license_ is not None and license_.ended_reason in ("refunded", "corrected")


def is_marked(cover: Cover) -> bool:
    """Whether a cover ended with its license, and keeps how it stood."""
    return WHOLE in cover.data


def mark(cover: Cover, lots: Mapping[str, list[int]] | None = None) -> None:
    """Keep how a cover stands, before its license takes it. ``lots``: what was taken of its credits, by lot."""
    cover.data = {**cover.data, WHOLE: {"was": times_of(cover), "lots": dict(lots or {})}}


def mark_of(cover: Cover) -> tuple[Mapping[str, Any], Mapping[str, list[int]]]:
    """Return how a cover stood, and what was taken of its credits then."""
    return cover.data[WHOLE]["was"], cover.data[WHOLE]["lots"]


def forget(cover: Cover) -> None:
    """Keep no more how a cover stood."""
    cover.data = {name: value for name, value in cover.data.items() if name != WHOLE}


def whole(cover: Cover) -> Cover:
    """Return a cover as it would stand if its license had not been taken back."""
    if not is_marked(cover):
        return cover
    found = replace(cover)
    stand_again(found, mark_of(cover)[0])
    return found


def outlives(cover: Cover, license_: License | None) -> bool:
    """Whether a cover would serve past the end of its license, which was taken back."""
    if license_ is None or not gone(license_) or license_.ended_at is None or cover.state == "voided":
        return False
    if cover.starts_at is None or cover.starts_at > license_.ended_at:
        return True
    return cover.frozen or cover.ends_at is None or cover.ends_at > license_.ended_at


def clip(cover: Cover, license_: License | None) -> None:
    """End a copy of a cover with its license, as `app.domain.orders.license_covers` ends the cover itself."""
    if license_ is None or license_.ended_at is None or not outlives(cover, license_):
        return
    mark(cover)
    if cover.starts_at is None or cover.starts_at > license_.ended_at:
        cover.state = "voided"
        return
    cover.state, cover.suspended_at, cover.ends_at = "running", None, license_.ended_at
