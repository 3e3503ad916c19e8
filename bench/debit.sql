-- The same debit as one SQL function: it writes the rows that the service writes, for a customer with one open lot.
create or replace function bench_id(prefix text) returns text language sql volatile as $$
    select prefix || '_' || replace(gen_random_uuid()::text, '-', '')
$$;

create or replace function bench_debit(who text, amount bigint) returns jsonb language plpgsql as $$
declare
    t text := current_setting('app.tenant');
    c record; a record; l record; k text := gen_random_uuid()::text;
    h text := bench_id('hld'); o text := bench_id('opr'); at timestamptz := clock_timestamp(); answer jsonb;
begin
    select customer_id, event_sequence into strict c from customer
        where tenant_id = t and external_id = who for update;
    perform 1 from command where tenant_id = t and key = k;
    if found then raise exception 'replay'; end if;
    select available, spent, version into strict a from account
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    select lot_id, available into strict l from lot
        where tenant_id = t and customer_id = c.customer_id and is_open
        order by priority, expires_at nulls last, effective_at, lot_id limit 1;
    if l.available < amount then raise exception 'insufficient'; end if;
    update lot set available = available - amount, spent = spent + amount, is_open = available - amount > 0
        where tenant_id = t and lot_id = l.lot_id;
    update account set available = available - amount, spent = spent + amount, version = version + 1
        where tenant_id = t and customer_id = c.customer_id and credit_type = 'credit';
    insert into hold values (t, h, c.customer_id, 'credit', 'debit', amount, null, at, null, at, 'captured');
    insert into hold_line values (t, h, 1, l.lot_id, amount, amount, 0, 0);
    insert into operation (tenant_id, operation_id, customer_id, credit_type, kind, account_version, effective_at,
                           recorded_at, hold_id, command_id, reading)
        values (t, o, c.customer_id, 'credit', 'debit', a.version + 1, at, at, h, k, false);
    insert into entry values (t, o, 1, l.lot_id, 'available', 'spent', amount);
    answer := jsonb_build_object('hold_id', h, 'customer_id', who, 'credit_type', 'credit', 'kind', 'debit', 'state',
        'captured', 'credits', amount, 'held', 0, 'captured', amount, 'released', 0, 'refunded', 0, 'created_at', at,
        'lots', jsonb_build_array(jsonb_build_object('lot_id', l.lot_id, 'credits', amount, 'captured', amount)),
        'balance', jsonb_build_object('available', a.available - amount, 'held', 0));
    insert into outbox (tenant_id, event_id, customer_id, sequence, type, occurred_at, recorded_at, data)
        values (t, bench_id('evt'), c.customer_id, c.event_sequence + 1, 'credits.charged', at, at,
            jsonb_build_object('credits', amount, 'hold_id', h, 'credit_type', 'credit', 'balance',
                jsonb_build_object('available', a.available - amount, 'held', 0)));
    insert into due values (t, 'events', bench_id('due'), at);
    update customer set last_at = at, event_sequence = c.event_sequence + 1
        where tenant_id = t and customer_id = c.customer_id;
    insert into command (tenant_id, key, kind, payload_hash, status, answer, actor, customer_id, created_at)
        values (t, k, 'debit', sha256(k::bytea), 201, answer, 'bench', c.customer_id, at);
    return answer;
end $$;
grant execute on function bench_debit(text, bigint), bench_id(text) to retainer_app;
