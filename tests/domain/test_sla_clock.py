"""Clocks as stories: phases, pauses, windows, cycles, late facts (SHOPP-3 to SHOPP-6, SHOPP-8, SHOPP-25, CSC-9)."""

from datetime import date

import pytest

from app.domain.calendar.business_calendar import BusinessCalendar
from app.domain.calendar.opening_hours import CalendarVersion, weekly_hours
from app.domain.clocks.clock import ClockState, explain_clock, fold, judge, next_action_at
from app.domain.clocks.event import TRANSITIONS, EventKind, Outcome, Party, Phase, WarnBefore, WarnShare, WindowState
from tests.domain.sla_builders import LONG_AGO, NEW_YORK, NINE_TO_FIVE, Story, a_calendar, ny


def kinds(story: Story, at: str) -> list[tuple[str, str]]:
    """Outcomes as (kind, window or local minute)."""
    return [
        (fact.key[2], str(fact.window_date or fact.at.astimezone(NEW_YORK).strftime("%m-%d %H:%M")))
        for fact in story.judged(at)
    ]


def test_shopp_5_an_answer_at_the_due_second_meets_it_and_a_second_later_does_not() -> None:
    for answered, outcome in (("2025-06-11 17:00:00", Outcome.MET), ("2025-06-11 17:00:01", Outcome.BREACHED)):
        story = Story().then("start", "2025-06-10 10:00").then("stop", answered)
        state = story.state("2025-06-20 09:00")
        assert (state.phase, state.outcome) == (Phase.STOPPED, outcome)
        assert state.due_at == ny("2025-06-11 17:00")


def test_a_breach_is_sticky_and_does_not_stop_the_clock() -> None:
    story = Story().then("start", "2025-06-10 10:00")
    assert story.state("2025-06-11 17:00").outcome is Outcome.OPEN
    state = story.state("2025-06-11 17:00:01")
    assert (state.phase, state.outcome) == (Phase.RUNNING, Outcome.BREACHED)
    story.then("pause", "2025-06-12 10:00", reason="r").then("resume", "2025-06-13 10:00", reason="r")
    story.then("stop", "2025-06-16 10:00")
    assert kinds(story, "2025-06-20 09:00") == [("breached", "06-11 17:00")]


def test_next_action_is_the_instant_at_which_judging_makes_progress() -> None:
    story = Story("business_seconds:28800", warnings=(WarnShare(50), WarnBefore(600)))
    story.then("start", "2025-06-13 16:30")
    seen = []
    at = ny("2025-06-13 16:30")
    while (following := next_action_at(story.state(at))) is not None:
        assert following > at
        before, at = len(story.judged(at)), following
        assert len(story.judged(at)) == before + 1
        seen.append(at)
    assert seen == [ny("2025-06-16 12:30"), ny("2025-06-16 16:20"), ny("2025-06-16 16:30:01")]
    assert [fact.key[2] for fact in story.judged(at)] == ["warned", "warned_2", "breached"]


def test_warnings_come_in_hours_and_move_with_the_due_time() -> None:
    story = Story("business_seconds:28800", warnings=(WarnBefore(27_000),)).then("start", "2025-06-13 16:00")
    # 27,000 s before Monday 16:00 is Monday 08:30 by the wall, and 09:00 less half an hour by the hours: Friday 16:30
    assert next_action_at(story.state("2025-06-13 16:00")) == ny("2025-06-13 16:30")
    story.then("pause", "2025-06-13 16:15", reason="r").then("resume", "2025-06-17 09:00", reason="r")
    assert next_action_at(story.state("2025-06-17 09:00")) == ny("2025-06-17 09:15")


def test_a_warning_at_a_boundary_comes_at_the_opening_not_in_the_night() -> None:
    story = Story("business_seconds:28800", warnings=(WarnBefore(14_400),)).then("start", "2025-06-12 13:00")
    assert next_action_at(story.state("2025-06-12 13:00")) == ny("2025-06-13 09:00")


def test_a_pause_wholly_outside_hours_moves_nothing() -> None:
    for target in ("business_days:1", "business_days:1:close", "business_seconds:28800"):
        story = Story(target).then("start", "2025-06-14 12:00")
        due = story.state("2025-06-14 12:00").due_at
        story.then("pause", "2025-06-16 18:00", reason="r").then("resume", "2025-06-16 20:00", reason="r")
        assert story.state("2025-06-16 20:00").due_at == due


def test_overlapping_reasons_are_one_pause_and_the_last_resumption_counts() -> None:
    story = Story("business_seconds:28800").then("start", "2025-06-10 09:00")
    story.then("pause", "2025-06-10 10:00", reason="access", party=Party.CUSTOMER)
    story.then("pause", "2025-06-10 11:00", reason="carrier", party=Party.THIRD_PARTY)
    story.then("pause", "2025-06-10 11:30", reason="carrier", party=Party.THIRD_PARTY)
    story.then("resume", "2025-06-10 12:00", reason="access")
    assert story.state("2025-06-10 13:00").phase is Phase.PAUSED
    story.then("resume", "2025-06-10 14:00", reason="carrier").then("resume", "2025-06-10 15:00", reason="carrier")
    state = story.state("2025-06-10 15:00")
    assert state.due_at == ny("2025-06-11 13:00")
    assert state.ignored == (4, 7)
    assert (state.ledger.vendor_seconds, state.ledger.customer_seconds, state.ledger.third_party_seconds) == (
        7200,
        7200,
        7200,
    )


def test_a_stop_while_paused_first_ends_the_pause() -> None:
    story = Story().then("start", "2025-06-10 10:00").then("pause", "2025-06-11 10:00", reason="r")
    story.then("stop", "2025-06-19 10:00")
    state = story.state("2025-06-20 10:00")
    assert (state.phase, state.outcome) == (Phase.STOPPED, Outcome.MET)
    assert state.pauses[0].until == ny("2025-06-19 10:00")


def test_a_pause_before_the_start_holds_from_the_start() -> None:
    story = Story("business_seconds:3600").then("pause", "2025-06-10 08:00", reason="r")
    story.then("start", "2025-06-10 10:00").then("resume", "2025-06-10 12:00")
    assert story.state("2025-06-10 11:00").phase is Phase.PAUSED
    assert story.state("2025-06-10 12:00").due_at == ny("2025-06-10 13:00")


BEFORE = {
    Phase.PENDING: [],
    Phase.RUNNING: ["start"],
    Phase.PAUSED: ["start", "pause"],
    Phase.STOPPED: ["start", "stop"],
    Phase.CANCELLED: ["start", "cancel"],
}


@pytest.mark.parametrize("kind", ["start", "pause", "resume", "stop", "cancel", "reopen"])
@pytest.mark.parametrize("phase", BEFORE)
def test_a_phase_changes_as_the_published_table_says(phase: Phase, kind: str) -> None:
    """`docs/lifecycles.md` is made of the table; a pair that it lacks changes no phase."""
    story = Story()
    for hour, before in enumerate(BEFORE[phase], start=10):
        story.then(before, f"2025-06-10 {hour}:00", reason="r" if before == "pause" else None)
    assert story.state("2025-06-10 14:00").phase is phase
    story.then(kind, "2025-06-10 15:00", reason="r" if kind in ("pause", "resume") else None)
    assert story.state("2025-06-10 16:00").phase is TRANSITIONS.get((phase, EventKind(kind)), phase)


def test_retargeting_keeps_the_time_used_and_the_pauses() -> None:
    story = Story("business_seconds:28800").then("start", "2025-06-10 09:00")
    story.then("pause", "2025-06-10 10:00", reason="r").then("resume", "2025-06-10 11:00", reason="r")
    story.then("retarget", "2025-06-10 12:00", target="business_seconds:14400")
    state = story.state("2025-06-10 12:00")
    assert state.due_at == ny("2025-06-10 14:00")
    assert state.consumed_seconds == 7200
    story.then("retarget", "2025-06-10 13:00", target="business_seconds:3600")
    assert kinds(story, "2025-06-11 09:00") == [("breached", "06-10 13:00")]
    story.then("retarget", "2025-06-10 14:00", target="business_seconds:18000")
    assert kinds(story, "2025-06-30 09:00") == [("breached", "06-10 13:00")]


def test_shopp_6_three_silent_days_are_three_breaches_without_anyone_acting() -> None:
    story = Story("each_business_day", milestone="each_business_day").then("start", "2025-11-24 11:00")
    assert kinds(story, "2025-12-01 17:00:01") == [
        ("breached", "2025-11-25"),
        ("breached", "2025-11-26"),
        ("breached", "2025-12-01"),
    ]
    state = story.state("2025-12-01 17:00:01")
    assert state.due_at == ny("2025-12-02 17:00")
    assert next_action_at(state) == ny("2025-12-02 17:00:01")


def test_shopp_6_a_response_covers_its_date_until_the_close_and_later_the_next() -> None:
    story = Story("each_business_day", milestone="each_business_day").then("start", "2025-11-24 11:00")
    story.then("response", "2025-11-24 15:00")  # the day of the approval is not owed
    assert story.state("2025-11-24 16:00").due_at == ny("2025-11-25 17:00")
    story.then("response", "2025-11-25 17:00")
    assert story.state("2025-11-25 17:00").due_at == ny("2025-11-26 17:00")
    story.then("response", "2025-11-25 20:00").then("response", "2025-11-26 12:00")
    assert story.state("2025-11-26 12:00").due_at == ny("2025-12-01 17:00")
    story.then("response", "2025-11-29 12:00")  # a Saturday
    story.then("stop", "2025-12-02 10:00")
    assert kinds(story, "2025-12-05 10:00") == [
        ("met", "2025-11-25"),
        ("met", "2025-11-26"),
        ("met", "2025-12-01"),
        ("met", "12-02 10:00"),
    ]


def test_shopp_6_a_late_response_may_be_made_to_count_for_nothing() -> None:
    story = Story("each_business_day", late_response_counts=False).then("start", "2025-11-24 11:00")
    story.then("response", "2025-11-24 20:00")
    assert story.state("2025-11-24 21:00").due_at == ny("2025-11-25 17:00")


@pytest.mark.parametrize(("resume_date_owed", "missed"), [(True, [5, 6]), (False, [6])])
def test_shopp_6_dates_paused_at_their_close_are_excused(resume_date_owed: bool, missed: list[int]) -> None:
    story = Story("each_business_day", resume_date_owed=resume_date_owed).then("start", "2025-06-02 11:00")
    story.then("pause", "2025-06-03 10:00", reason="customer", party=Party.CUSTOMER)
    assert story.state("2025-06-04 10:00").due_at is None
    story.then("resume", "2025-06-05 14:00", reason="customer").then("stop", "2025-06-07 10:00")
    state = story.state("2025-06-09 10:00")
    by_state = {s: [w.window_date.day for w in state.windows if w.state is s] for s in WindowState}
    assert by_state[WindowState.MISSED] == missed
    assert by_state[WindowState.EXCUSED] == ([3, 4] if resume_date_owed else [3, 4, 5])


def test_shopp_25_a_pause_beyond_control_excuses_and_is_nobodys_time() -> None:
    story = Story().then("start", "2025-06-10 10:00")
    story.then("pause", "2025-06-11 09:00", reason="beyond_control", party=Party.NONE)
    story.then("resume", "2025-06-12 17:00", reason="beyond_control")
    state = story.state("2025-06-12 17:00")
    assert state.outcome is Outcome.OPEN
    assert state.due_at == ny("2025-06-13 17:00")
    assert state.ledger.none_seconds == 57_600


def test_a_rolling_cadence_starts_anew_with_each_response() -> None:
    story = Story("rolling:28800").then("start", "2025-06-09 09:00").then("response", "2025-06-09 09:01")
    assert story.state("2025-06-09 12:00").due_at == ny("2025-06-10 09:01")
    story.then("response", "2025-06-10 16:59").then("response", "2025-06-12 10:00")
    assert kinds(story, "2025-06-12 11:00") == [("breached", "2025-06-10"), ("breached", "2025-06-11")]


def test_shopp_8_a_customer_owed_clock_measures_the_customers_time() -> None:
    story = Story("business_days:3:close", milestone="access", owing=Party.CUSTOMER)
    story.then("start", "2025-06-10 10:00").then("stop", "2025-06-11 10:00")
    state = story.state("2025-06-11 10:00")
    assert state.due_at == ny("2025-06-13 17:00")
    assert state.ledger.customer_seconds == 8 * 3600
    assert state.ledger.wall_seconds == 24 * 3600
    assert state.ledger.closed_seconds == 16 * 3600


def test_a_given_instant_is_not_moved_by_pauses() -> None:
    story = Story("at", milestone="access").then("start", "2025-06-10 10:00", target="at:2025-06-12T12:00:00Z")
    story.then("pause", "2025-06-11 10:00", reason="r")
    state = story.state("2025-06-12 10:00")
    assert state.due_at is not None
    assert state.outcome is Outcome.BREACHED


def test_time_measured_without_a_promise() -> None:
    story = Story("none").then("start", "2025-06-10 10:00").then("stop", "2025-06-10 12:00")
    state = story.state("2025-06-10 12:00")
    assert (state.due_at, state.outcome, state.consumed_seconds) == (None, Outcome.OPEN, 7200)
    assert story.judged("2025-07-01 00:00") == ()


def test_wall_seconds_run_at_night_and_freeze() -> None:
    story = Story("seconds:86400", warnings=(WarnShare(75),)).then("start", "2025-06-13 18:00")
    assert next_action_at(story.state("2025-06-13 18:00")) == ny("2025-06-14 12:00")
    story.then("pause", "2025-06-14 00:00", reason="r").then("resume", "2025-06-15 00:00", reason="r")
    state = story.state("2025-06-15 00:00")
    assert state.due_at == ny("2025-06-15 18:00")
    assert state.ledger.closed_seconds == 0


def test_reopening_is_a_new_cycle_and_never_the_old_one_again() -> None:
    story = Story().then("start", "2025-06-10 10:00").then("stop", "2025-06-11 10:00")
    story.then("reopen", "2025-06-16 10:00")
    state = story.state("2025-06-17 18:00")
    assert (state.cycle, state.phase, state.outcome) == (2, Phase.RUNNING, Outcome.BREACHED)
    assert [(f.cycle, f.kind) for f in story.judged("2025-06-17 18:00")] == [(1, "met"), (2, "breached")]
    assert state.ledger.wall_seconds == 24 * 3600 + 32 * 3600


def test_cancelling_ends_it_without_a_judgement() -> None:
    story = Story().then("start", "2025-06-10 10:00").then("cancel", "2025-06-11 10:00")
    state = story.state("2025-07-01 00:00")
    assert (state.phase, state.outcome, state.due_at) == (Phase.CANCELLED, Outcome.OPEN, None)
    assert next_action_at(state) is None
    assert story.judged("2025-07-01 00:00") == ()


def test_a_late_fact_retracts_a_breach_and_the_breach_stays_on_record() -> None:
    story = Story().then("start", "2025-06-10 10:00")
    story.then("stop", "2025-06-11 16:59", recorded="2025-06-12 09:30")
    assert story.judged("2025-06-11 17:00") == ()
    assert kinds(story, "2025-06-12 09:00") == [("breached", "06-11 17:00")]
    assert kinds(story, "2025-06-12 09:30") == [
        ("met", "06-11 16:59"),
        ("breached", "06-11 17:00"),
        ("breach_retracted", "06-12 09:30"),
    ]
    assert story.state("2025-06-12 09:30").outcome is Outcome.MET


def test_a_fact_that_arrives_before_the_breach_would_show_retracts_nothing() -> None:
    story = Story().then("start", "2025-06-10 10:00")
    story.then("stop", "2025-06-11 16:58", recorded="2025-06-11 16:59")
    assert kinds(story, "2025-06-20 09:00") == [("met", "06-11 16:58")]
    lagging = Story(grace_seconds=60).then("start", "2025-06-10 10:00")
    lagging.then("stop", "2025-06-11 16:59:58", recorded="2025-06-11 17:00:30")
    assert kinds(lagging, "2025-06-20 09:00") == [("met", "06-11 16:59")]
    assert next_action_at(Story(grace_seconds=60).then("start", "2025-06-10 10:00").state("2025-06-10 10:00")) == ny(
        "2025-06-11 17:01:01"
    )


def test_a_backdated_pause_inside_a_fired_breach_retracts_it() -> None:
    story = Story().then("start", "2025-06-10 10:00")
    story.then("pause", "2025-06-11 10:00", recorded="2025-06-12 10:00", reason="r", party=Party.CUSTOMER)
    story.then("resume", "2025-06-12 11:00", reason="r")
    assert kinds(story, "2025-06-12 12:00") == [("breached", "06-11 17:00"), ("breach_retracted", "06-12 10:00")]
    assert story.state("2025-06-12 12:00").due_at == ny("2025-06-13 10:00")


def test_a_correction_takes_an_event_back_or_moves_it() -> None:
    story = Story().then("start", "2025-06-10 10:00").then("stop", "2025-06-11 10:00")
    story.then("correct", "2025-06-11 11:00", corrects=2, reason="wrong ticket")
    assert story.state("2025-06-11 12:00").phase is Phase.RUNNING
    story.then("correct", "2025-06-11 12:00", corrects=3, reason="the right ticket after all")
    assert story.state("2025-06-11 13:00").phase is Phase.STOPPED
    story.then("correct", "2025-06-11 14:00", corrects=2, corrected_occurred_at=ny("2025-06-11 09:00"))
    assert story.state("2025-06-11 15:00").stopped_at == ny("2025-06-11 09:00")


def _with_more_hours(revision: int, on: date) -> BusinessCalendar:
    versions = [CalendarVersion(1, LONG_AGO, weekly_hours(NINE_TO_FIVE))]
    if revision > 1:
        versions.append(CalendarVersion(2, on, weekly_hours({day: [(480, 1080)] for day in range(1, 6)})))
    return BusinessCalendar("service-hours", NEW_YORK, versions)


def test_shopp_3_a_new_version_moves_running_clocks_from_its_date_and_no_closed_one() -> None:
    old, new = _with_more_hours(1, LONG_AGO), _with_more_hours(2, date(2025, 6, 12))
    story = Story("business_seconds:72000", calendar=new).then("start", "2025-06-10 09:00", calendar_revision=1)
    story.then("calendar_changed", "2025-06-10 12:00", calendar_revision=2)
    history = {1: old, 2: new}
    before = fold(story.spec, new, story.events, at=ny("2025-06-10 11:00"), history=history)
    after = fold(story.spec, new, story.events, at=ny("2025-06-10 12:00"), history=history)
    assert (before.due_at, after.due_at) == (ny("2025-06-12 13:00"), ny("2025-06-12 12:00"))
    assert after.calendar_revision == 2


def test_a_correction_of_past_hours_does_not_judge_a_closed_clock_again() -> None:
    old, new = _with_more_hours(1, LONG_AGO), _with_more_hours(2, date(2025, 6, 1))
    story = Story("business_seconds:28800", calendar=new).then("start", "2025-06-10 09:00", calendar_revision=1)
    story.then("stop", "2025-06-10 17:00")
    story.then("calendar_changed", "2025-06-11 12:00", calendar_revision=2)
    facts = judge(story.spec, new, story.events, at=ny("2025-06-12 00:00"), history={1: old, 2: new})
    assert [fact.kind for fact in facts] == ["met"]
    assert facts[0].due_at == ny("2025-06-10 17:00")


def test_windows_follow_a_calendar_that_gains_or_loses_a_date() -> None:
    open_saturday = a_calendar({day: [(540, 1020)] for day in range(1, 7)})
    story = Story("each_business_day", calendar=open_saturday).then("start", "2025-06-12 10:00", calendar_revision=1)
    story.then("response", "2025-06-13 10:00").then("calendar_changed", "2025-06-13 12:00", calendar_revision=2)
    state = fold(
        story.spec, open_saturday, story.events, at=ny("2025-06-13 13:00"), history={1: a_calendar(), 2: open_saturday}
    )
    assert state.due_at == ny("2025-06-14 17:00")


def test_an_explanation_of_a_clock_leaves_its_pauses_out() -> None:
    story = Story("business_seconds:28800").then("start", "2025-12-23 13:00")
    story.then("pause", "2025-12-23 14:00", reason="r").then("resume", "2025-12-23 15:00", reason="r")
    state = story.state("2025-12-24 12:00")
    why = explain_clock(story.spec, story.calendar, state)
    assert state.due_at == ny("2025-12-29 14:00")
    assert why.business_seconds == 28_800
    assert [c.reasons[0].name for c in why.skipped] == ["Christmas Eve", "Christmas Day", "Day after Christmas"]


def test_shown_state_is_frozen() -> None:
    state: ClockState = Story().then("start", "2025-06-10 10:00").state("2025-06-10 10:00")
    assert state.ticking
    assert state.remaining_business_seconds == 7 * 3600 + 8 * 3600
    with pytest.raises(AttributeError):
        state.phase = Phase.PAUSED  # type: ignore[misc]
    assert not Story().then("start", "2025-06-10 20:00").state("2025-06-10 21:00").ticking
