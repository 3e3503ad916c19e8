"""Versions of a policy: when each is in force, its document as it was written, and what a draft says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from app.views.shapes import Closed, Id, Instant


class VersionRow(TypedDict):
    """A version of the policy."""

    version: Annotated[int, "Its number."]
    effective_from: Annotated[Instant, "From when it is in force."]
    withdrawn_at: NotRequired[Annotated[Instant, "When it was withdrawn, before its day came."]]


class PolicySource(VersionRow):
    """A version's document as YAML."""

    name: Annotated[Id, "The policy."]
    source: Annotated[str, "The document, with its comments."]
    written: Annotated[bool, "Whether it is as its author wrote it; false: made from JSON."]


class DocumentDifference(TypedDict):
    """One thing that two documents say differently."""

    path: Annotated[str, "Where it stands: in the draft, or in the version if it is gone."]
    change: Annotated[
        Annotated[Literal["added", "removed", "changed"], Closed("DocumentChange", "What was done.")], "What was done."
    ]
    words: Annotated[str, "The difference in a sentence."]


class PolicyComparison(TypedDict):
    """What a draft says otherwise than a version of the policy, in words."""

    version: Annotated[int, "The version that it is compared with."]
    differences: Annotated[Sequence[DocumentDifference], "What differs, in the order of the document."]
