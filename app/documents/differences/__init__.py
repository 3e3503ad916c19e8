"""What differs between two policy documents, in words: see `walk`; `phrases` has the words of every member."""

from app.documents.differences.citations import cited_by
from app.documents.differences.walk import Difference, differences

__all__ = ["Difference", "cited_by", "differences"]
