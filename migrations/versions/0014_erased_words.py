"""Lets an erasure take words out of what is never changed: reasons, notes and text facts, and nothing else.

Why: what a caller wrote about a person stands in the journal, too, and has to go with the person. A row's text may be
replaced by nothing, or by a token that says so, in its one column of words, by the transaction which erases its
customer. Amounts, codes, times and ids cannot change. Lock: short ones on five tables. Way back: refuses all changes
again; what was erased stays erased.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WORDS = {"operation": "reason", "entity_event": "payload", "audit_trail": "data"}


def upgrade() -> None:
    """Makes the comparison and the trigger; grants the columns alone."""
    op.execute(
        """
        create function retainer_only_less_said(before jsonb, after jsonb) returns boolean
        language plpgsql immutable as $$
        begin
            if before is not distinct from after then
                return true;
            end if;
            case jsonb_typeof(before)
            when 'string' then
                return jsonb_typeof(after) = 'null'
                    or jsonb_typeof(after) = 'string' and (after #>> '{}') ~ '^(erased_[0-9]+)?$';
            when 'object' then
                return jsonb_typeof(after) = 'object'
                    and not exists (select from jsonb_object_keys(after) k where not before ? k)
                    and not exists (select from jsonb_each(before) one where not after ? one.key
                                    or not retainer_only_less_said(one.value, after -> one.key));
            when 'array' then
                return jsonb_typeof(after) = 'array' and jsonb_array_length(before) = jsonb_array_length(after)
                    and not exists (select from jsonb_array_elements(before) with ordinality as one(value, n)
                                    where not retainer_only_less_said(one.value, after -> (one.n - 1)::int));
            else
                return false;
            end case;
        end $$
        """
    )
    op.execute(
        """
        create function retainer_refuse_change_but_erasure() returns trigger language plpgsql as $$
        declare
            column_of_words constant text := tg_argv[0];
            erased constant text := coalesce(current_setting('app.erasure', true), '');
            before jsonb;
            after jsonb;
        begin
            if tg_op = 'UPDATE' and erased <> '' then
                before := to_jsonb(old);
                after := to_jsonb(new);
                if coalesce(before ->> 'customer_id', erased) = erased
                    and before - column_of_words = after - column_of_words
                    and retainer_only_less_said(before -> column_of_words, after -> column_of_words)
                then
                    return new;
                end if;
            end if;
            raise exception 'rows of % are never changed', tg_table_name using errcode = 'restrict_violation';
        end $$
        """
    )
    for table, column in WORDS.items():
        op.execute(f"drop trigger never_changed on {table}")
        op.execute(
            f"create trigger never_changed before update or delete on {table}"
            f" for each row execute function retainer_refuse_change_but_erasure('{column}')"
        )
        op.execute(f"grant update ({column}) on {table} to retainer_app")


def downgrade() -> None:
    """Refuses every change again."""
    for table, column in WORDS.items():
        op.execute(f"revoke update ({column}) on {table} from retainer_app")
        op.execute(f"drop trigger never_changed on {table}")
        op.execute(
            f"create trigger never_changed before update or delete on {table}"
            " for each row execute function retainer_refuse_change()"
        )
    op.execute("drop function retainer_refuse_change_but_erasure()")
    op.execute("drop function retainer_only_less_said(jsonb, jsonb)")
