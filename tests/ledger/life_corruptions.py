"""What breaks the invariants of whole lives: (number of the invariant, the check that sees it, the change of rows)."""

from __future__ import annotations

REVIVED = "available = available + voided, voided = 0, is_open = true"
OF_LIVES: list[tuple[int, str, str]] = [
    (15, "no_usable_credit_in_a_refunded_unit", f"update lot set {REVIVED} where order_id = 'pack'"),
    (15, "no_usable_credit_in_a_refunded_unit", f"update lot set {REVIVED} where order_id = 'free' and voided > 0"),
    (15, "no_usable_credit_in_a_refunded_unit", f"update lot set {REVIVED} where origin_lot_id is not null"),
    (
        15,
        "no_usable_credit_in_a_refunded_unit",
        (
            'update lot set data = data || \'{"claim": {"credits": 5}}\', held = 5, available = available - 5'
            " where available > 5"
        ),
    ),
    (
        15,
        "no_usable_credit_in_a_refunded_unit",
        "update license set order_id = 'kept', unit_no = 0, ended_reason = 'refunded' where ended_at is null",
    ),
    (16, "money_goes_back_once", "update lot set data = data || '{\"refunded\": \"68.50\"}' where order_id = 'gift'"),
    (16, "money_goes_back_once", "update lot set data = data || '{\"refunded\": \"180.00\"}' where order_id = 'pack'"),
    (17, "what_left_arrived", "delete from lot where origin_lot_id is not null"),
    (17, "what_left_arrived", "update lot set granted = granted + 1 where origin_lot_id is not null"),
    (17, "what_left_arrived", "update lot set data = data - 'given' where data ? 'given'"),
    (
        17,
        "what_left_arrived",
        (
            "update lot set customer_id = (select customer_id from customer where tenant_id = '{tenant}'"
            " and external_id = 'bob') where order_id = 'kept'"
        ),
    ),
    (17, "what_left_arrived", "update lot set data = data || '{\"withdrawn\": true}' where order_id = 'kept'"),
    (
        18,
        "a_ticket_says_one_number",
        "update ticket set document = jsonb_set(document, '{charge,captured}', '7') where state = 'resolved'",
    ),
    (18, "a_ticket_says_one_number", "update hold_line set captured = captured - 1 where captured > 1"),
    (
        18,
        "a_ticket_says_one_number",
        "update ticket set document = jsonb_set(document, '{price}', '79') where state = 'in_progress'",
    ),
    (
        18,
        "a_ticket_says_one_number",
        (
            "update ticket set document = jsonb_set(document, '{assessments,0,credits}', '79')"
            " where state = 'in_progress'"
        ),
    ),
    (18, "a_ticket_says_one_number", "update ticket set state = 'withdrawn' where state = 'in_progress'"),
    (
        18,
        "a_ticket_says_one_number",
        "update entity_event set payload = jsonb_set(payload, '{set,charge,held}', '3') where stream = 'ticket'",
    ),
    (
        19,
        "what_was_disputed_is_accounted_for",
        "update ticket set document = jsonb_set(document, '{disputes,0,returned}', '49') where state = 'resolved'",
    ),
    (20, "captured_credits_have_a_clause", "update operation set clause = null where kind = 'capture'"),
    (21, "cover_is_what_was_bought", "update cover set ends_at = ends_at - interval '5 days'"),
    (
        21,
        "cover_is_what_was_bought",
        "update cover set license_id = (select min(license_id) from license where ended_reason = 'refunded')",
    ),
    (21, "cover_is_what_was_bought", "update cover set suspended_seconds = suspended_seconds + 86400"),
    (21, "a_refunded_unit_takes_one_period", "update cover set state = 'pending' where state = 'voided'"),
    (
        21,
        "a_refunded_unit_takes_one_period",
        (
            "update purchase_order set lines = jsonb_set(lines, '{0,taken_periods}', (lines #> '{0,taken_periods}')"
            " || (lines #> '{0,taken_periods}')) where lines #> '{0,taken_periods,0}' is not null"
        ),
    ),
    (
        21,
        "a_refunded_unit_takes_one_period",
        (
            "update purchase_order set lines = jsonb_set(lines, '{0,withdrawn}', jsonb_build_array(lines #>>"
            " '{0,taken_periods,0,cover_id}')) where lines #> '{0,taken_periods,0}' is not null"
        ),
    ),
    (
        22,
        "a_choice_is_made_once",
        (
            "insert into entity_event select tenant_id, stream, entity_id, seq + 100, kind, occurred_at, recorded_at,"
            " customer_id, actor, payload from entity_event where stream = 'choice' and kind = 'made'"
        ),
    ),
    (22, "a_choice_is_made_once", "update choice set option = null, made_at = null"),
    (
        26,
        "extended_credits_end_as_said",
        (
            'update lot set data = data || \'{"own_end": "2020-01-01T00:00:00Z", "extended": [{"by": "lot_other", "at":'
            ' "2019-06-01T00:00:00Z", "until": "2021-01-01T00:00:00Z", "counts": true}]}\' where available > 0'
        ),
    ),
    (
        26,
        "extended_credits_end_as_said",
        (
            'update lot set data = data || \'{"own_end": "2020-01-01T00:00:00Z", "extended": [{"by": "lot_other", "at":'
            ' "2020-06-01T00:00:00Z", "until": null, "counts": true}]}\', expires_at = null where available > 0'
        ),
    ),
    (
        26,
        "extended_credits_end_as_said",
        (
            "update lot set data = data || jsonb_build_object('extends', '[]'::jsonb, 'withdrawn', true, 'own_end',"
            " '2020-01-01T00:00:00Z', 'extended', jsonb_build_array(jsonb_build_object('by', lot_id, 'at',"
            " '2019-06-01T00:00:00Z', 'until', null, 'counts', true))), expires_at = null where available > 0"
        ),
    ),
    (27, "an_order_is_paid_as_its_refunds_say", "update purchase_order set payment_state = 'disputed'"),
    (
        27,
        "an_order_is_paid_as_its_refunds_say",
        "update purchase_order set payment_state = 'refunded' where payment_state = 'partly_refunded'",
    ),
]
