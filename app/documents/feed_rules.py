"""What repeats in a feed, as the closure rule that says the same for ever."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NTH: Final = re.compile(r"([+-]?[1-5])(MO|TU|WE|TH|FR|SA|SU)")
_WEEKDAYS: Final = {"MO": "mon", "TU": "tue", "WE": "wed", "TH": "thu", "FR": "fri", "SA": "sat", "SU": "sun"}


@dataclass(slots=True)
class WholeDays:
    """An event of whole days."""

    name: str
    first: date
    days: int
    start: str
    event: Any


def can_be(rule: Any) -> bool:
    """Whether there is such a day of such a month, so that nobody looks for the 30 February."""
    months, days = rule.get("BYMONTH", range(1, 13)), rule.get("BYMONTHDAY", [1])
    known = [int(month) for month in months if 1 <= int(month) <= 12]
    return any(abs(int(day)) <= _LONGEST[month - 1] for month in known for day in days)


def closure_rule_of(whole: WholeDays, rule: Any) -> dict[str, Any] | None:
    """The closure rule that says the same for ever, ready to be copied; None where there is none."""
    if rule is None or whole.days != 1 or str(rule["FREQ"][0]).upper() != "YEARLY":
        return None
    keys = set(rule) - {"FREQ", "WKST"}
    if "EXDATE" in whole.event or "RDATE" in whole.event or rule.get("INTERVAL", [1]) != [1]:
        return None
    keys.discard("INTERVAL")
    if not keys or (
        keys <= {"BYMONTH", "BYMONTHDAY"}
        and rule.get("BYMONTH", [whole.first.month]) == [whole.first.month]
        and rule.get("BYMONTHDAY", [whole.first.day]) == [whole.first.day]
    ):
        return {"name": whole.name, "fixed": f"{whole.first:%m-%d}"}
    nth = _NTH.fullmatch(str(rule["BYDAY"][0]).upper()) if keys == {"BYMONTH", "BYDAY"} else None
    if nth is None or len(rule["BYDAY"]) > 1 or len(rule["BYMONTH"]) > 1:
        return None
    month = int(rule["BYMONTH"][0])
    return {"name": whole.name, "nth": int(nth[1]), "weekday": _WEEKDAYS[nth[2]], "month": month}
