-- The main job as SQL functions: each writes the rows that the service writes for the same call, documents included.
-- No rule is in them: a ticket of the category costs 25, and is due a day later. A test compares the rows by table.
create or replace function bench_say(at timestamptz) returns text language sql stable as $$
    select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

create or replace function bench_events(t text, who text, first bigint, at timestamptz, said jsonb) returns void
language sql volatile as $$
    insert into outbox (tenant_id, event_id, customer_id, sequence, type, occurred_at, recorded_at, data, dedupe_key)
        select t, bench_id('evt'), who, first + n, e ->> 'type', at, at, e -> 'data', e ->> 'key'
        from jsonb_array_elements(said) with ordinality as x (e, n);
    insert into due values (t, 'events', bench_id('due'), at)
$$;

create or replace function bench_falls_due(t text, first timestamptz) returns void language sql volatile as $$
    insert into due select t, 'agenda', bench_id('due'), first where not exists (
        select from due d where d.tenant_id = t and d.kind = 'agenda'
        and d.at > statement_timestamp() + interval '1 minute' and d.at <= first)
$$;

create or replace function bench_claim(t text, kind text, name text) returns void language sql volatile as $$
    insert into claim (tenant_id, kind, name) values (t, kind, left(encode(sha256(name::bytea), 'hex'), 32))
        on conflict (tenant_id, kind, name) do update set name = excluded.name
$$;

create or replace function bench_ticket(who text, name text) returns jsonb language plpgsql as $$
declare
    t text := current_setting('app.tenant'); c record; a record; l record;
    i text := bench_id('tic'); k text := bench_id('clk'); h text := bench_id('hld'); o text := bench_id('opr');
    at timestamptz := clock_timestamp(); said text := bench_say(at);
    due timestamptz := date_trunc('second', at) + '1 day';
    cost bigint := 25; charge jsonb := '{"net": 0, "held": 25, "captured": 0, "refunded": 0}';
    assessment jsonb; qualification jsonb; begun jsonb; document jsonb; balance jsonb; change jsonb;
begin
    perform bench_claim(t, 'ticket', name);
    select customer_id, event_sequence into strict c from customer
        where tenant_id = t and external_id = who for update;
    perform 1 from ticket where tenant_id = t and external_id = name;
    if found then raise exception 'replay'; end if;
    select available, held, version into strict a from account
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    select lot_id, available into strict l from lot
        where tenant_id = t and customer_id = c.customer_id and is_open and available >= cost
        order by priority, expires_at nulls last, effective_at, lot_id limit 1;
    update lot set available = available - cost, held = held + cost where tenant_id = t and lot_id = l.lot_id;
    update account set available = available - cost, held = held + cost, version = version + 1
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    insert into hold (tenant_id, hold_id, customer_id, credit_type, kind, credits, ticket_id, created_at, state)
        values (t, h, c.customer_id, 'credit', 'hold', cost, i, at, 'open');
    insert into hold_line values (t, h, 1, l.lot_id, cost, 0, 0, 0);
    insert into operation (tenant_id, operation_id, customer_id, credit_type, kind, account_version, effective_at,
                           recorded_at, hold_id, ticket_id, clause, reading)
        values (t, o, c.customer_id, 'credit', 'hold', a.version + 1, at, at, h, i, 'XC-6', false);
    insert into entry values (t, o, 1, l.lot_id, 'available', 'held', cost);
    assessment := '{"by": "rules", "clause": "XC-6", "inputs": {}, "number": 1, "reason": null, "status": "in_force",
        "credits": 25, "reading": false, "category": "level_2", "list_credits": 25, "outside_list": false}'::jsonb
        || jsonb_build_object('at', said, 'decided_at', said);
    qualification := '{"by": "rules", "note": null, "reasons": [], "decision": "accept"}'::jsonb
        || jsonb_build_object('at', said);
    begun := '{"asks": [], "facts": {}, "fired": ["opened", "accepted"], "price": 25, "state": "in_progress",
        "checks": [{"code": "wrong_channel", "check": "channel", "clause": "XC-2", "result": "passed",
                    "on_fail": "reject", "requirement": null}],
        "inputs": {}, "channel": "helpdesk", "options": [], "paid_by": "credits", "product": null, "reasons": [],
        "category": "level_2", "cover_id": null, "language": null, "pay_with": null, "remedies": [],
        "opened_by": "customer", "parent_id": null, "license_id": null, "credit_type": null, "policy_name": "x-cart",
        "agreed_up_to": null, "external_url": null, "policy_version": 1, "recommendation": null}'::jsonb
        || jsonb_build_object('charge', charge, 'opened_at', said, 'accepted_at', said, 'qualification', qualification);
    document := '{"cause": null, "pauses": [], "result": {}, "outcome": null, "version": 1, "disputes": [],
        "reopened": 0, "child_ids": [], "closed_at": null, "responses": [], "merged_ids": [], "service_at": null,
        "merged_into": null, "reopened_at": null, "resolved_at": null, "access_requests": [], "reopening_reason": null,
        "cause_corrections": [], "credit_applied_at": null, "credit_expires_at": null, "customer_wrote_at": null,
        "returned_for_cause": null, "confirmation_expires_at": null}'::jsonb || begun
        || jsonb_build_object('ticket_id', i, 'updated_at', said, 'assessments', jsonb_build_array(assessment));
    insert into ticket (tenant_id, ticket_id, external_id, customer_id, state, category, subject, channel, payload_hash,
                        opened_at, updated_at, version, document)
        values (t, i, name, c.customer_id, 'in_progress', 'level_2', 'Install it', 'helpdesk',
                '2:' || encode(sha256(name::bytea), 'base64'), at, at, 1, document);
    insert into clock (tenant_id, clock_id, ticket_id, customer_id, milestone, party, phase, outcome, started_at,
                       due_at, remaining_business_seconds, next_action_at, calendar, calendar_revision, tzdb_version,
                       version, spec)
        values (t, k, i, c.customer_id, 'first_response', 'vendor', 'running', 'open', date_trunc('second', at), due,
                86400, due + '1 second', 'service-hours', 1, '2026f', 1,
                '{"ref": null, "stops": ["vendor_response"], "clause": "XC-2", "starts": "opened",
                  "target": "business_days:1", "reading": true, "warnings": [], "reminders": [],
                  "pause_rule": "freeze", "after_close": "same_date", "policy_version": 1,
                  "retracted_breach": "takes_back", "breach_returns_credits": 0}');
    insert into agenda (tenant_id, kind, subject, at, customer_id, payload)
        values (t, 'clock', k, due + '1 second', c.customer_id, jsonb_build_object('ticket_id', i));
    perform bench_falls_due(t, due + '1 second');
    change := jsonb_build_object('add', jsonb_build_object('assessments', assessment), 'set', begun, 'from', 'new',
        'action', 'open');
    insert into entity_event (tenant_id, stream, entity_id, seq, kind, occurred_at, recorded_at, customer_id, actor,
                              payload)
        values (t, 'ticket', i, 1, 'opened', at, at, c.customer_id, 'bench', change),
               (t, 'clock', k, 1, 'start', at, at, c.customer_id, 'bench',
                '{"edition": 2, "tzdb_version": "2026f", "calendar_revision": 1}');
    balance := jsonb_build_object('available', a.available - cost, 'held', a.held + cost);
    change := jsonb_build_object('state', 'in_progress', 'charge', charge, 'balance', balance, 'ticket_id', name,
        'reasons', '[]'::jsonb, 'external_url', null);
    perform bench_events(t, c.customer_id, c.event_sequence, at, jsonb_build_array(
        jsonb_build_object('type', 'credits.held', 'data', jsonb_build_object('balance', balance, 'credits', cost,
            'ticket_id', name, 'credit_type', 'credit')),
        jsonb_build_object('type', 'ticket.opened', 'data', change),
        jsonb_build_object('type', 'ticket.qualified', 'data', change)));
    update customer set last_at = at, event_sequence = c.event_sequence + 3
        where tenant_id = t and customer_id = c.customer_id;
    return document;
end $$;

create or replace function bench_order(who text, name text) returns jsonb language plpgsql as $$
declare
    t text := current_setting('app.tenant'); c record; a record; l text := bench_id('lot'); o text := bench_id('opr');
    at timestamptz := clock_timestamp(); placed timestamptz := date_trunc('day', at); ends timestamptz; answer jsonb;
    lot_said jsonb; line jsonb;
begin
    perform bench_claim(t, 'order', name);
    ends := placed + '2 years';
    select customer_id, event_sequence into strict c from customer
        where tenant_id = t and external_id = who for update;
    perform 1 from purchase_order where tenant_id = t and order_id = name;
    if found then raise exception 'replay'; end if;
    select available, held, version into strict a from account
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    insert into lot (tenant_id, lot_id, customer_id, credit_type, source, rule, granted, available, held, spent,
                     expired, voided, effective_at, expires_at, is_open, priority, scope, order_id, line_id, unit_no,
                     cost_amount, cost_currency, policy_version, clause, reading, data)
        values (t, l, c.customer_id, 'credit', 'purchase', 'points_60', 60, 60, 0, 0, 0, 0, placed, ends, true, 0,
                'account', name, '1', 0, 60, 'USD', 1, 'XC-4', false, '{}');
    update account set available = available + 60, granted = granted + 60, version = version + 1,
                       next_expiry = least(next_expiry, ends)
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    insert into operation (tenant_id, operation_id, customer_id, credit_type, kind, account_version, effective_at,
                           recorded_at, order_id, clause, reading)
        values (t, o, c.customer_id, 'credit', 'grant', a.version + 1, placed, at, name, 'XC-4', false);
    insert into entry values (t, o, 1, l, 'world', 'available', 60);
    insert into agenda (tenant_id, kind, subject, at, customer_id, payload)
        select t, 'lot.reminder', l || ':' || days, ends - days * interval '1 day', c.customer_id,
               jsonb_build_object('days', days, 'lot_id', l) from unnest(array[30, 7, 1]) days
        union all select t, 'lot.expired', l, ends, c.customer_id, jsonb_build_object('lot_id', l);
    perform bench_falls_due(t, ends - interval '30 days');
    lot_said := '{"held": 0, "rule": "points_60", "scope": "account", "spent": 0, "clause": "XC-4", "reason": null,
        "source": "purchase", "voided": 0, "expired": false, "granted": 60, "line_id": "1", "reading": false,
        "unit_no": 0, "disputed": 0, "available": 60, "license_id": null, "credit_type": "credit",
        "origin_lot_id": null, "policy_version": 1, "expired_credits": 0}'::jsonb
        || jsonb_build_object('cost', '{"amount": "60.00", "currency": "USD"}'::jsonb, 'lot_id', l, 'order_id', name,
            'expires_at', bench_say(ends), 'effective_at', bench_say(placed));
    line := '{"sku": "credits-60", "line_id": "1", "quantity": 1, "policy_version": 1}';
    answer := jsonb_build_object('lots', jsonb_build_array(lot_said), 'lines', jsonb_build_array(line))
        || '{"addons": [], "covers": [], "choices": [], "notices": [], "licenses": [], "not_granted": [],
             "decisions": [{"kind": "credits", "rule": "points_60", "facts": {}, "clause": "XC-4", "granted": true,
                            "line_id": "1", "reading": false, "unit_no": 0, "policy_version": 1}]}'::jsonb;
    insert into purchase_order (tenant_id, order_id, customer_id, placed_at, currency, lines, answer, payload_hash,
                                source, version, policy_version, received_at)
        values (t, name, c.customer_id, placed, 'USD',
                '[{"sku": "credits-60", "units": null, "line_id": "1", "quantity": 1, "corrected": 0, "withdrawn": [],
                   "attributes": {}, "list_price": null, "unit_price": "60.00"}]', answer,
                '2:' || encode(sha256(name::bytea), 'base64'), 'api', 0, 1, at);
    perform bench_events(t, c.customer_id, c.event_sequence, at, jsonb_build_array(
        jsonb_build_object('type', 'order.recorded', 'data', jsonb_build_object('source', 'api', 'order_id', name,
            'lines', jsonb_build_array(line - 'policy_version'), 'placed_at', bench_say(placed))),
        jsonb_build_object('type', 'credits.granted', 'data', (lot_said - array['cost', 'held', 'scope', 'spent'])
            || jsonb_build_object('balance', jsonb_build_object('available', a.available + 60, 'held', a.held)))));
    update customer set last_at = at, event_sequence = c.event_sequence + 2
        where tenant_id = t and customer_id = c.customer_id;
    return answer;
end $$;

create or replace function bench_answer(document jsonb, name text, who text, clocks jsonb) returns jsonb
language sql stable as $$
    select (document - array['checks', 'fired', 'policy_name', 'policy_version', 'recommendation', 'child_ids',
                             'merged_ids', 'parent_id']) || clocks || jsonb_build_object('ticket_id', name,
        'customer_id', who, 'subject', 'Install it', 'policy', '{"name": "x-cart", "version": 1}'::jsonb,
        'merged', '[]'::jsonb, 'parent', null, 'children', '[]'::jsonb)
$$;

create or replace function bench_clocks(name text, k text, at timestamptz, due timestamptz) returns jsonb
language sql stable as $$
    select jsonb_build_object('clocks', jsonb_build_array('{"milestone": "first_response", "target": "business_days:1",
        "party": "vendor", "phase": "stopped", "outcome": "met", "ticking": false, "cycle": 1, "never_due": null,
        "remaining_business_seconds": null, "overdue_business_seconds": null, "consumed_seconds": 0,
        "window_date": null, "pauses": [], "warnings": [], "reminders": [], "windows": [], "breaches": [],
        "ledger": {"wall_seconds": 0, "closed_seconds": 0, "vendor_seconds": 0, "customer_seconds": 0,
                   "third_party_seconds": 0, "none_seconds": 0},
        "calendar": "service-hours", "calendar_revision": 1, "tzdb_version": "2026f", "policy_version": 1,
        "clause": "XC-2", "reading": true}'::jsonb || jsonb_build_object('clock_id', k, 'ticket_id', name,
            'started_at', bench_say(at), 'due_at', bench_say(due), 'stopped_at', bench_say(at))))
$$;

create or replace function bench_respond(name text) returns jsonb language plpgsql as $$
declare
    t text := current_setting('app.tenant'); i record; c record; a record; k record;
    note text := gen_random_uuid()::text;
    at timestamptz := clock_timestamp(); said text := bench_say(at); second timestamptz := date_trunc('second', at);
    response jsonb; changed jsonb; answer jsonb;
begin
    select customer_id into strict i from ticket where tenant_id = t and external_id = name;
    select customer_id, external_id, event_sequence into strict c from customer
        where tenant_id = t and customer_id = i.customer_id for update;
    select ticket_id, document, version into strict i from ticket where tenant_id = t and external_id = name;
    perform 1 from command where tenant_id = t and key = note;
    if found then raise exception 'replay'; end if;
    select available, held into strict a from account
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    select clock_id, due_at into strict k from clock
        where tenant_id = t and ticket_id = i.ticket_id and phase = 'running' and milestone = 'first_response';
    response := '{"by": "bench", "kind": "service", "author": "vendor", "number": 1, "public": true,
        "automatic": false}'::jsonb || jsonb_build_object('occurred_at', said, 'recorded_at', said);
    changed := jsonb_build_object('state', 'in_progress', 'charge', i.document -> 'charge', 'service_at', said);
    update ticket set version = version + 1, updated_at = at, document = i.document || changed || jsonb_build_object(
            'responses', jsonb_build_array(response), 'updated_at', said, 'version', i.version + 1)
        where tenant_id = t and ticket_id = i.ticket_id returning document into answer;
    update clock set phase = 'stopped', outcome = 'met', version = version + 1, stopped_at = second,
                     next_action_at = null, remaining_business_seconds = null
        where tenant_id = t and clock_id = k.clock_id;
    delete from agenda where tenant_id = t and kind = 'clock' and subject = k.clock_id;
    insert into clock_outcome (tenant_id, clock_id, cycle, window_date, kind, customer_id, at, due_at,
                               calendar_revision, tzdb_version, recorded_at)
        values (t, k.clock_id, 1, '', 'met', c.customer_id, second, k.due_at, 1, '2026f', at);
    insert into entity_event (tenant_id, stream, entity_id, seq, kind, occurred_at, recorded_at, customer_id, actor,
                              payload)
        values (t, 'ticket', i.ticket_id, 2, 'responded', at, at, c.customer_id, 'bench', jsonb_build_object('add',
                    jsonb_build_object('responses', response), 'set', changed, 'from', 'in_progress', 'action',
                    'respond')),
               (t, 'clock', k.clock_id, 2, 'stop', at, at, c.customer_id, 'bench',
                '{"edition": 2, "tzdb_version": "2026f", "calendar_revision": 1}');
    perform bench_events(t, c.customer_id, c.event_sequence, at, jsonb_build_array(
        jsonb_build_object('type', 'clock.met', 'key', 'clock:' || k.clock_id || ':1::met', 'data',
            '{"cycle": 1, "clause": "XC-2", "outcome": "met", "milestone": "first_response", "window_date": null,
              "tzdb_version": "2026f", "calendar_revision": 1}'::jsonb || jsonb_build_object('at', said, 'due_at',
                bench_say(k.due_at), 'clock_id', k.clock_id, 'ticket_id', name)),
        jsonb_build_object('type', 'ticket.responded', 'data', response || jsonb_build_object('state', 'in_progress',
            'charge', i.document -> 'charge', 'balance', jsonb_build_object('available', a.available, 'held', a.held),
            'ticket_id', name, 'external_url', null))));
    update customer set last_at = at, event_sequence = c.event_sequence + 2
        where tenant_id = t and customer_id = c.customer_id;
    answer := bench_answer(answer, name, c.external_id, bench_clocks(name, k.clock_id, at, k.due_at))
        || jsonb_build_object('response', response);
    insert into command (tenant_id, key, kind, payload_hash, status, answer, actor, customer_id, created_at)
        values (t, note, 'tickets.respond', sha256(note::bytea), 200,
                to_jsonb(answer::text), 'bench', c.customer_id, at);
    return answer;
end $$;

create or replace function bench_resolve(name text) returns jsonb language plpgsql as $$
declare
    t text := current_setting('app.tenant'); i record; c record; a record; k record; h record;
    note text := gen_random_uuid()::text; o text := bench_id('opr');
    at timestamptz := clock_timestamp(); said text := bench_say(at);
    charge jsonb := '{"net": 25, "held": 0, "captured": 25, "refunded": 0}'; changed jsonb; balance jsonb; answer jsonb;
begin
    select customer_id into strict i from ticket where tenant_id = t and external_id = name;
    select customer_id, external_id, event_sequence into strict c from customer
        where tenant_id = t and customer_id = i.customer_id for update;
    select ticket_id, document, version into strict i from ticket where tenant_id = t and external_id = name;
    perform 1 from command where tenant_id = t and key = note;
    if found then raise exception 'replay'; end if;
    select available, held, version into strict a from account
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    select clock_id, due_at into strict k from clock where tenant_id = t and ticket_id = i.ticket_id;
    select hold.hold_id, lot_id, hold.credits into strict h from hold join hold_line using (tenant_id, hold_id)
        where tenant_id = t and ticket_id = i.ticket_id and closed_at is null;
    update lot set held = held - h.credits, spent = spent + h.credits, is_open = available + held - h.credits > 0
        where tenant_id = t and lot_id = h.lot_id;
    update account set held = held - h.credits, spent = spent + h.credits, version = version + 1
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    update hold set closed_at = at, state = 'captured' where tenant_id = t and hold_id = h.hold_id;
    update hold_line set captured = credits where tenant_id = t and hold_id = h.hold_id;
    insert into operation (tenant_id, operation_id, customer_id, credit_type, kind, account_version, effective_at,
                           recorded_at, hold_id, ticket_id, command_id, clause, reading)
        values (t, o, c.customer_id, 'credit', 'capture', a.version + 1, at, at, h.hold_id, i.ticket_id,
                note, 'XC-6', false);
    insert into entry values (t, o, 1, h.lot_id, 'held', 'spent', h.credits);
    changed := '{"asks": [], "cause": "question", "state": "resolved", "result": {}, "outcome": "answered",
        "reasons": [], "remedies": [], "returned_for_cause": 0}'::jsonb
        || jsonb_build_object('charge', charge, 'closed_at', said, 'resolved_at', said);
    update ticket set version = version + 1, updated_at = at, resolved_at = at, state = 'resolved',
            document = i.document || changed || jsonb_build_object('updated_at', said, 'version', i.version + 1)
        where tenant_id = t and ticket_id = i.ticket_id returning document into answer;
    insert into entity_event (tenant_id, stream, entity_id, seq, kind, occurred_at, recorded_at, customer_id, actor,
                              payload)
        values (t, 'ticket', i.ticket_id, i.version + 1, 'resolved', at, at, c.customer_id, 'bench',
                jsonb_build_object('set', changed, 'from', 'in_progress', 'action', 'resolve'));
    balance := jsonb_build_object('available', a.available, 'held', a.held - h.credits);
    perform bench_events(t, c.customer_id, c.event_sequence, at, jsonb_build_array(
        jsonb_build_object('type', 'credits.charged', 'data', jsonb_build_object('balance', balance, 'credits',
            h.credits, 'ticket_id', name, 'credit_type', 'credit')),
        jsonb_build_object('type', 'ticket.resolved', 'data', '{"by": "bench", "cause": "question", "state": "resolved",
            "outcome": "answered", "external_url": null}'::jsonb || jsonb_build_object('charge', charge, 'balance',
            balance, 'ticket_id', name))));
    update customer set last_at = at, event_sequence = c.event_sequence + 2
        where tenant_id = t and customer_id = c.customer_id;
    answer := bench_answer(answer, name, c.external_id, bench_clocks(name, k.clock_id, at, k.due_at));
    insert into command (tenant_id, key, kind, payload_hash, status, answer, actor, customer_id, created_at)
        values (t, note, 'tickets.resolve', sha256(note::bytea), 200,
                to_jsonb(answer::text), 'bench', c.customer_id, at);
    return answer;
end $$;

create sequence if not exists bench_turn;
grant usage, update on sequence bench_turn to retainer_app;
grant execute on function bench_say(timestamptz), bench_falls_due(text, timestamptz),
    bench_events(text, text, bigint, timestamptz, jsonb),
    bench_ticket(text, text), bench_order(text, text), bench_respond(text), bench_resolve(text),
    bench_answer(jsonb, text, text, jsonb), bench_clocks(text, text, timestamptz, timestamptz) to retainer_app;
