"""Questions about accounts: nothing lives on an absorbed one, no name leads nowhere, nothing personal of an erased one.

Form as in `app.db.ledger.audit`: each query answers the rows that break it, (subject, expected, found).
"""

from __future__ import annotations

from typing import Final

_LEFT_ON: Final = " union all ".join(
    f"select c.customer_id || '/{table}', 'with the account it went into', count(*)::text"
    f" from customer c join {table} x on x.tenant_id = :tenant and x.customer_id = c.customer_id"
    " where c.tenant_id = :tenant and c.merged_into is not null group by c.customer_id"
    for table in (
        "license",
        "cover",
        "choice",
        "addon",
        "purchase_order",
        "order_refund",
        "ticket",
        "clock",
        "agenda",
        "webhook_endpoint",
        "customer_word",
    )
)

ACCOUNTS: Final[dict[str, str]] = {
    "absorbed_account_is_empty": """
        select a.customer_id || '/' || a.credit_type, '0', array[a.available, a.held, a.owed]::text
        from customer c join account a on a.tenant_id = :tenant and a.customer_id = c.customer_id
        where c.tenant_id = :tenant and c.merged_into is not null
        and (a.available <> 0 or a.held <> 0 or a.owed <> 0)""",
    "nothing_is_left_on_an_absorbed_account": _LEFT_ON,
    "names_lead_to_a_living_account": """
        with recursive way as (
            select customer_id as start, merged_into as here, array[customer_id] as passed
            from customer where tenant_id = :tenant and merged_into is not null
            union all
            select w.start, c.merged_into, w.passed || c.customer_id from way w join customer c
            on c.tenant_id = :tenant and c.customer_id = w.here
            where c.merged_into is not null and not c.customer_id = any(w.passed)
        )
        select distinct s.customer_id, 'an account that lives', 'none' from customer s
        where s.tenant_id = :tenant and s.merged_into is not null and not exists (
            select from way w join customer c on c.tenant_id = :tenant and c.customer_id = w.here
            where w.start = s.customer_id and c.merged_into is null
            and (c.external_id is not null or s.external_id is null))""",
    "an_erased_customer_has_no_name": """
        select c.customer_id, 'nothing personal', array_to_string(array[
            case when c.external_id is not null then 'name' end,
            case when c.profile::text <> '{}' then 'profile' end,
            case when exists (select from customer_word w where w.tenant_id = :tenant
                and w.customer_id = c.customer_id) then 'words' end,
            case when exists (select from customer_link k where k.tenant_id = :tenant
                and k.customer_id = c.customer_id) then 'external id' end,
            case when exists (select from public.ticket a where a.tenant_id = :tenant
                and a.person_id = c.customer_id and a.subject <> '') then 'subject asked' end,
            case when exists (select from license l where l.tenant_id = :tenant
                and l.customer_id = c.customer_id and l.registered_domain is not null) then 'domain' end,
            case when exists (select from ticket t where t.tenant_id = :tenant
                and t.customer_id = c.customer_id and t.subject <> '') then 'subject' end], ', ')
        from customer c where c.tenant_id = :tenant and c.erased_at is not null and (
            c.external_id is not null or c.profile::text <> '{}'
            or exists (select from license l where l.tenant_id = :tenant and l.customer_id = c.customer_id
                       and l.registered_domain is not null)
            or exists (select from ticket t where t.tenant_id = :tenant and t.customer_id = c.customer_id
                       and t.subject <> '')
            or exists (select from customer_word w where w.tenant_id = :tenant and w.customer_id = c.customer_id)
            or exists (select from customer_link k where k.tenant_id = :tenant and k.customer_id = c.customer_id)
            or exists (select from public.ticket a where a.tenant_id = :tenant and a.person_id = c.customer_id
                       and a.subject <> ''))""",
    "a_company_belongs_to_nobody": """
        select c.customer_id, 'a company that belongs to none', k.customer_id || ' of ' || h.customer_id
        from customer c join public.customer k on k.tenant_id = :tenant and k.customer_id = c.company_id
        and k.merged_into is null and k.erased_at is null
        join public.customer h on h.tenant_id = :tenant and h.customer_id = k.company_id and h.erased_at is null
        where c.tenant_id = :tenant and c.merged_into is null and c.erased_at is null
        union all
        select customer_id, 'another customer', company_id from customer
        where tenant_id = :tenant and company_id = customer_id""",
    "a_ticket_is_paid_by_its_account": """
        select h.hold_id, 'on ' || t.customer_id, h.customer_id from ticket t
        join public.hold h on h.tenant_id = :tenant and h.ticket_id = t.ticket_id and h.customer_id <> t.customer_id
        where t.tenant_id = :tenant and (h.closed_at is null or not exists (
            select from public.customer f where f.tenant_id = :tenant and f.customer_id = h.customer_id
            and f.merged_into is not null))""",
    "who_asked_lives": """
        select t.ticket_id, 'somebody else who lives', coalesce(p.customer_id, 'none') from ticket t
        left join public.customer p on p.tenant_id = :tenant and p.customer_id = t.person_id
        where t.tenant_id = :tenant and t.person_id is not null
        and (p.customer_id is null or p.merged_into is not null or t.person_id = t.customer_id)""",
}
