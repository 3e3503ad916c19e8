"""Mutants of refunds: each takes one mend out, by which credits or money of a refunded unit would come back."""

from __future__ import annotations

from typing import Final

WOO: Final = "tests/inbound/test_woocommerce_orders.py"
UNITS: Final = "tests/ledger/test_refunded_units.py"
INSTANT: Final = "tests/inbound/test_periods_of_one_instant.py"
DISPUTES: Final = "tests/inbound/test_payment_disputes.py"
QUEUED: Final = "tests/inbound/test_queued_periods.py"
LICENSES: Final = "tests/orders/test_covers_of_refunded_licenses.py"
LINE: Final = "tests/inbound/test_disputes_of_one_line.py"
MERGED: Final = "tests/orders/test_merged_queues.py"
PLANS: Final = "tests/orders/test_merged_plans.py"
REPLACED: Final = "tests/plans/test_replaced_then_refunded.py"

ROWS: Final = (
    (
        "what comes back to a refunded unit can be used again",
        "app/domain/ledger/units.py",
        'return min(credits, claimed(lot)) if "claim" in lot.data else 0',
        "return 0",
        f"{UNITS}::test_a_hold_released_after_the_refund_brings_nothing_back",
    ),
    (
        "a lot does not know what its order paid back",
        "app/domain/ledger/money_back.py",
        'by_order = paid_back(lot, "order", "correction")',
        "by_order = 0",
        f"{UNITS}::test_shopp_20_an_order_refunded_is_not_paid_again_by_its_lot",
    ),
    (
        "an order does not know what its lots paid back",
        "app/domain/orders/refundable.py",
        " - by_lots.get(line.line_id, 0), 0",
        ", 0",
        f"{UNITS}::test_shopp_19_a_lot_refunded_is_not_paid_again_by_its_order",
    ),
    (
        "a credit that a ticket holds unserved is paid back",
        "app/domain/ledger/money_back.py",
        "return none(rules.in_use_code) if lot.held and not service_provided else",
        "return",
        f"{UNITS}::test_shopp_20_a_credit_that_a_ticket_holds_unserved_is_in_use",
    ),
    (
        "a credit paid back by discretion can be used again",
        "app/usecases/credits/lots.py",
        "voided = take(account.ledger, family, mine, why).voided",
        'voided = account.ledger.void(lot.lot_id, reason="refunded") if lot.available and mine and family else 0',
        f"{UNITS}::test_shopp_20_a_served_credit_paid_back_by_discretion_is_gone",
    ),
    (
        "refunds do not follow transfers",
        "app/domain/ledger/lots.py",
        "        give(lot, to_customer_id, moved)\n",
        "",
        f"{UNITS}::test_a_refund_reaches_credits_that_were_given_to_another_customer",
    ),
    (
        "free credits may be given away",
        "app/usecases/credits/lots.py",
        "if not rule.free_credits and await",
        "if rule.free_credits and await",
        f"{UNITS}::test_xc_3_free_points_of_a_license_stay_with_it",
    ),
    (
        "a touched license does not count either",
        "app/domain/orders/refunds.py",
        "untouched = not _touched(taking, license_)",
        "untouched = True",
        f"{UNITS}::test_csc_2_a_touched_one_counts",
    ),
    (
        "a standing license loses its class",
        "app/domain/account/customer.py",
        "return other.placed_at < self.ended_at or other.license_id <= self.uncounted_after",
        "return other.placed_at < self.ended_at",
        f"{UNITS}::test_csc_2_a_standing_license_keeps_its_class",
    ),
    (
        "what a plan gave for one that is refunded stays",
        "app/domain/orders/refunds.py",
        "    return queues.in_order(known)[-1] if known else None",
        "    return None",
        f"{REPLACED}::test_a_refund_of_the_old_plan_takes_what_the_new_one_gave_for_it",
    ),
    (
        "a plan that was replaced is put back by a dispute as it ended",
        "app/domain/orders/payment_disputes.py",
        "and key not in before.replaced ",
        "",
        f"{REPLACED}::test_a_dispute_that_is_won_replaces_the_old_plan_again",
    ),
    (
        "what a refund took of periods stays as it was taken first",
        "app/domain/orders/reconcile.py",
        "if follow and follow_orders(account, ordered, there.laid):",
        "if False:",
        f"{QUEUED}::test_a_refund_gives_up_the_period_of_an_order_that_went_to_another_customer",
    ),
    (
        "an order that leaves keeps the period that its refund took",
        "app/domain/orders/corrections.py",
        "    retaken.give_up(account, order, line)\n",
        "",
        f"{QUEUED}::test_an_order_that_leaves_gives_back_the_period_that_its_refund_took",
    ),
    (
        "a period that had served nothing is taken back again",
        "app/domain/orders/retaken.py",
        "if served_nothing(cover) and served_nothing(then):",
        "if False:",
        f"{INSTANT}::test_a_period_that_was_taken_back_stays_as_it_is",
    ),
    (
        "what a license's end lets begin has begun for a refund of that instant",
        "app/domain/orders/periods.py",
        " for cover in first if begins_at(cover, cover.granted_at, held, stretches, terms) > at",
        " for cover in ()",
        f"{INSTANT}::test_a_period_that_was_taken_back_stays_as_it_is",
    ),
    (
        "a bound cuts what another plan said to stay",
        "app/domain/ledger/renewal.py",
        'if other.terms["at_renewal"] == grant.terms["at_renewal"]',
        "if True",
        "tests/recurring/test_recurring.py::test_credits_that_stay_are_not_cut_by_another_plan_with_a_bound",
    ),
    (
        "what was refunded of a line that is granted anew is taken twice",
        "app/usecases/orders/orders.py",
        "answer.later.pop(line_id, None)",
        "pass",
        f"{QUEUED}::test_a_line_that_comes_back_for_another_customer_lacks_what_was_refunded_once",
    ),
    (
        "units that were taken out before they were granted are granted later",
        "app/domain/orders/corrections.py",
        "if (order.order_id, line.line_id) not in lines_granted(account, [order]):",
        "if False:",
        f"{QUEUED}::test_units_taken_out_before_they_were_granted_never_count",
    ),
    (
        "a refund takes a period that was bought since, for what was left to it",
        "app/domain/orders/periods.py",
        "    mine = left_to(line, takers)\n",
        "    mine = {line}\n",
        f"{QUEUED}::test_a_refund_takes_what_was_left_to_its_unit_and_no_order_that_was_bought_since",
    ),
    (
        "credits of a period that began earlier, and was taken back, stay",
        "app/domain/orders/retaken.py",
        "    credits_of(taking, cover)  # those that have come by now, since it began earlier than it was known to\n",
        "",
        f"{QUEUED}::test_a_period_that_was_taken_while_it_waited_gives_no_credits_once_it_began_earlier",
    ),
    (
        "a line that comes back keeps what was taken of it",
        "app/domain/orders/corrections.py",
        "anew = now is None or line.quantity == 0 or _worth(now) != _worth(line)",
        "anew = now is not None and _worth(now) != _worth(line)",
        f"{QUEUED}::test_lines_that_took_each_others_period_leave_nothing_when_one_is_taken_out",
    ),
    (
        "a dispute that took nothing gives back what others took",
        "app/domain/orders/retaken.py",
        "    if ref is None:\n        return []\n",
        "",
        f"{DISPUTES}::test_a_won_dispute_that_took_nothing_gives_back_no_period_that_was_refunded",
    ),
    (
        "a won dispute gives back the cover of a license that was taken out",
        "app/domain/orders/payment_disputes.py",
        "if cover is None or _never_bought(account, cover.license_id):",
        "if cover is None:",
        f"{WOO}::test_a_license_taken_out_while_its_payment_is_lost_brings_no_cover_later",
    ),
    (
        "a refunded license has cover anew once an order before it is told",
        "app/domain/orders/license_covers.py",
        "or not of_license.outlives(cover, license_):",
        "or True:",
        f"{LICENSES}::test_an_order_told_late_brings_a_refunded_license_no_cover",
    ),
    (
        "a plan that is put back outlives its license",
        "app/domain/cover/of_license.py",
        "    return cover.frozen or cover.ends_at is None or cover.ends_at > license_.ended_at",
        "    return False",
        f"{LICENSES}::test_a_plan_that_is_put_back_serves_no_longer_than_its_refunded_license",
    ),
    (
        "a won dispute puts a license's cover where it was when it was lost",
        "app/domain/orders/payment_disputes.py",
        "back = {key for key in licenses if account",
        "back = {key for key in () if account",
        f"{LICENSES}::test_a_won_dispute_puts_the_cover_where_it_belongs_by_then",
    ),
    (
        "what a correction takes instead of a disputed unit stays gone once the dispute is won",
        "app/domain/orders/shares.py",
        "short += [(dispute, units - count) for dispute, units, count in by]\n    yield",
        'short += [("refunded", units - count) for _, units, count in by]\n    yield',
        f"{LINE}::test_the_unit_that_stays_is_good_again_once_its_dispute_is_won",
    ),
    (
        "a won dispute gives back what a refund and a correction took, too",
        "app/usecases/orders/payment_disputes.py",
        "        if self.undone:\n",
        "        if not self.undone:\n",
        f"{LINE}::test_what_a_refund_or_the_shop_takes_stays_gone_once_a_dispute_is_won",
    ),
    (
        "a lost dispute takes nothing of what another one gives back",
        "app/usecases/orders/payment_disputes.py",
        "        return any(count > own.get(line_id, 0) for line_id, count in left.items())",
        "        return False",
        f"{LINE}::test_two_disputes_of_one_line_end_each_in_its_own_way",
    ),
    (
        "credits of a period come back under the reason of whichever unit has it by now",
        "app/domain/orders/retaken.py",
        'reason, ref = row.get("booked") or (row["reason"], row["ref"])',
        'reason, ref = row["reason"], row["ref"]',
        f"{LINE}::test_credits_of_a_plan_come_back_under_what_they_were_taken_for",
    ),
    (
        "whoever waited for a customer writes back an order as it was before",
        "app/db/orders/orders.py",
        "                setattr(order, each.name, getattr(stored, each.name))",
        "                getattr(stored, each.name)",
        "tests/inbound/test_orders_at_once.py::test_a_won_dispute_keeps_what_another_order_wrote_meanwhile",
    ),
    (
        "what two accounts had bought waits for one another",
        "app/domain/orders/merges.py",
        "return any(second.get(merge, side) != side for merge, side in first.items())",
        "return False",
        f"{MERGED}::test_what_two_accounts_had_bought_keeps_two_queues",
    ),
    (
        "a period of a merged account stays where the merge found it",
        "app/domain/orders/merges.py",
        "any(_is_unmarked(order.answer) for order in marked),",
        "True,",
        f"{MERGED}::test_a_merge_into_an_empty_account_changes_nothing",
    ),
    (
        "a refund takes a period that was bought apart from its order",
        "app/domain/orders/periods.py",
        "if cover.rule == rule and cover.license_id is None and not apart(sides, sides_of(cover))",
        "if cover.rule == rule and cover.license_id is None",
        f"{PLANS}::test_what_each_side_would_have_alone_it_has_after_a_merge",
    ),
    (
        "a plan replaces one that was bought apart from it",
        "app/domain/orders/queues.py",
        "(cover.order_id, cover.line_id) == (order.order_id, line.line_id) or apart(sides, sides_of(cover)):",
        "(cover.order_id, cover.line_id) == (order.order_id, line.line_id):",
        f"{PLANS}::test_what_each_side_would_have_alone_it_has_after_a_merge",
    ),
    (
        "recurring credits of a merged account do not follow their plan",
        "app/usecases/steps/reconcile_orders.py",
        "        await accounts.join_former(tx, account.ledger, dict.fromkeys(sorted(owners), ()))\n",
        "        pass\n",
        f"{MERGED}::test_a_merge_into_an_empty_account_changes_nothing",
    ),
)
