"""Mutants of the clock's and the policy's rules, for `make mutants`: each with the test that must notice."""

from __future__ import annotations

from typing import Final

CALENDAR: Final = "tests/domain/test_business_calendar.py"
CLOCK: Final = "tests/domain/test_sla_clock.py"

ROWS: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    (
        "a dated exception is overlooked",
        "app/domain/calendar/business_calendar.py",
        "spans = dated[day] if day in dated else weekly[(day - 1) % 7]",
        "spans = weekly[(day - 1) % 7]",
        f"{CALENDAR}::test_shopp_3_less_than_thirty_days_of_notice_is_found_by_the_open_time_removed",
    ),
    (
        "a version holds only from the day after its date",
        "app/domain/calendar/business_calendar.py",
        "i = bisect_right(self._from, on.toordinal())",
        "i = bisect_left(self._from, on.toordinal())",
        f"{CALENDAR}::test_versions_follow_one_another_on_one_timeline",
    ),
    (
        "thirty days of notice are twenty-nine",
        "app/domain/calendar/business_calendar.py",
        "announced + timedelta(days=notice_days)",
        "announced + timedelta(days=notice_days - 1)",
        f"{CALENDAR}::test_shopp_3_less_than_thirty_days_of_notice_is_found_by_the_open_time_removed",
    ),
    (
        "time in a pause is the vendor's",
        "app/domain/clocks/clock.py",
        "            party = self.spec.owing\n            progress.consumed += business\n",
        "            party = self.spec.owing\n        progress.consumed += business\n",
        f"{CLOCK}::test_retargeting_keeps_the_time_used_and_the_pauses",
    ),
    (
        "a pause before the start is forgotten",
        "app/domain/clocks/clock.py",
        "        if self.standing:\n            self.phase = Phase.PAUSED\n",
        "        if False:\n            self.phase = Phase.PAUSED\n",
        f"{CLOCK}::test_a_pause_before_the_start_holds_from_the_start",
    ),
    (
        "a warning is fired at every look",
        "app/domain/clocks/clock.py",
        "        for w in state.warnings\n        if w.fired\n",
        "        for w in state.warnings\n",
        f"{CLOCK}::test_next_action_is_the_instant_at_which_judging_makes_progress",
    ),
    (
        "a breach is forgotten when the clock goes on",
        "app/domain/clocks/clock.py",
        "            self.outcome = Outcome.BREACHED\n",
        "            self.outcome = Outcome.OPEN\n",
        f"{CLOCK}::test_a_breach_is_sticky_and_does_not_stop_the_clock",
    ),
    (
        "a sweep looks at the due second, when nothing is late yet",
        "app/domain/clocks/clock.py",
        "        instants.append(state.breach_watch_at)\n",
        "        instants.append(state.breach_watch_at - timedelta(seconds=1))\n",
        f"{CLOCK}::test_next_action_is_the_instant_at_which_judging_makes_progress",
    ),
    (
        "a late fact takes no breach back",
        "app/domain/clocks/clock.py",
        "            if known_from is not None and (again is None or again.due_at != fact.due_at):\n",
        "            if False:\n",
        f"{CLOCK}::test_a_late_fact_retracts_a_breach_and_the_breach_stays_on_record",
    ),
    (
        "an unknown fact is false",
        "app/domain/policy/conditions.py",
        '    return False if test.op == "contains" and fact == () else None\n',
        "    return False\n",
        "tests/domain/test_conditions.py::test_what_is_not_stated_is_unknown_and_not_false",
    ),
    (
        "one unknown part hides a false one",
        "app/domain/policy/conditions.py",
        "            return False if False in answers else None if None in answers else True\n",
        "            return None if None in answers else False not in answers\n",
        "tests/domain/test_conditions.py::test_three_values_combine",
    ),
    (
        "a month after 31 January is in March",
        "app/domain/values/term.py",
        (
            "    day = min(local.day, monthrange(year, month + 1)[1])\n"
            "    moved = local.replace(year=year, month=month + 1, day=day)\n"
        ),
        "    moved = local.replace(year=year, month=month + 1, day=1) + timedelta(days=local.day - 1)\n",
        "tests/domain/test_terms.py::test_terms_end_where_a_calendar_says",
    ),
    (
        "the end of a period still belongs to it",
        "app/domain/account/customer.py",
        "self.ends_at is None or at < self.ends_at",
        "self.ends_at is None or at <= self.ends_at",
        "tests/covers/test_periods.py::test_all_1_a_period_ends_before_its_end",
    ),
    (
        "a price just above the list needs no reason",
        "app/domain/policy/prices.py",
        "listed.most is None or credits <= listed.most",
        "listed.most is None or credits <= listed.most + 1",
        "tests/domain/test_prices.py::test_outside_the_list_needs_a_reason",
    ),
    (
        "a formula forgets its base",
        "app/domain/policy/prices.py",
        "total = base + sum(",
        "total = sum(",
        "tests/domain/test_prices.py::test_a_formula_adds_up",
    ),
)
"""(name, file, what stands there, what the mutant writes, the test)."""
