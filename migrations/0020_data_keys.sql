-- The data keys of tenants, encrypted with the key-encryption key (the master key, or one in Vault). The newest version seals, every
-- one opens; without a row, keys are derived from the master key. Deleting a tenant's rows makes its sealed data unreadable.
create table tenant_keys (
    tenant_id text not null references tenants (id) on delete cascade,
    version integer not null check (version > 0),
    wrapped bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, version)
);
alter table tenant_keys enable row level security;
alter table tenant_keys force row level security;
create policy tenant on tenant_keys
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, delete on tenant_keys to tempor8_app;
grant update (wrapped) on tenant_keys to tempor8_app;

-- Whose rows are looked at next for data that is stored in clear. Not tenant data: ids, times and a number, as the loop looks for
-- work.
create table tenant_sealing (
    tenant_id text primary key references tenants (id) on delete cascade,
    next_try timestamptz not null default now(),
    -- since when nothing is in clear; null: not all is sealed yet
    sealed_at timestamptz
);
create index tenant_sealing_next_try on tenant_sealing (next_try);
grant select, insert, update, delete on tenant_sealing to tempor8_app;

-- Rows of every tenant, which the owner sees only while the policy does not bind it.
alter table tenants no force row level security;
insert into tenant_sealing (tenant_id) select id from tenants;
alter table tenants force row level security;

-- A value is in one of the two columns: `sealed` with a key of the tenant, or in clear, as versions before this one wrote it.
-- squawk-ignore-file ban-drop-not-null
alter table static_data add column sealed bytea, alter column data drop not null;
alter table variables add column sealed bytea, alter column value drop not null;
alter table chat_memory
    add column sealed bytea,
    -- a keyed hash of the message's id
    add column message_digest bytea,
    alter column message drop not null;
alter table data_table_rows add column sealed bytea, alter column row drop not null;
alter table seen_values add column sealed bytea, alter column list drop not null;
alter table kept_results add column sealed bytea, alter column result drop not null;
alter table plans add column sealed bytea, alter column plan drop not null;
alter table workflow_templates
    add column sealed_plan bytea,
    add column sealed_export bytea,
    -- n8n's id of the workflow, by which other workflows call it; null: it is in `plan`
    add column workflow_id text,
    alter column plan drop not null,
    alter column export drop not null;
alter table workflow_executions add column sealed_error bytea;
alter table workflow_events add column sealed_error bytea;
-- nobody wrote these but their owner before
grant update (sealed, plan) on plans to tempor8_app;
grant update (sealed_plan, sealed_export, workflow_id, plan, export) on workflow_templates to tempor8_app;
grant update on chat_memory, kept_results to tempor8_app;

-- what was published does not change: a clear text may only go, when its sealed one comes
create function keep_published() returns trigger language plpgsql as $$
declare
    was jsonb := to_jsonb(old);
    now jsonb := to_jsonb(new);
    field text;
begin
    foreach field in array array['plan', 'export'] loop
        if now ? field and now -> field <> 'null' and now -> field is distinct from was -> field then
            raise insufficient_privilege using message = 'what was published does not change';
        end if;
    end loop;
    return new;
end
$$;
create trigger keep_published before update on plans for each row execute function keep_published();
create trigger keep_published before update on workflow_templates for each row execute function keep_published();

-- Ciphertext does not compress: do not try.
alter table static_data alter column sealed set storage external;
alter table chat_memory alter column sealed set storage external;
alter table data_table_rows alter column sealed set storage external;
alter table seen_values alter column sealed set storage external;
alter table kept_results alter column sealed set storage external;
alter table plans alter column sealed set storage external;
alter table workflow_templates alter column sealed_plan set storage external, alter column sealed_export set storage external;
alter table workflow_executions alter column sealed_error set storage external;
alter table workflow_events alter column sealed_error set storage external;
