-- Triggers that are registered at vendors. Rows say what is wanted; `applied` what the vendor was told, and what it answered.
create table trigger_registrations (
    tenant_id text not null references tenants (id) on delete cascade,
    -- the template's key, a colon, and the node's name
    id text not null,
    template_key text not null,
    node text not null,
    -- the step, the path below /webhook/<tenant>, and the secret word of the registration; both null: it is to be removed
    wanted json,
    sealed_wanted bytea,
    -- of what is wanted, but for the word
    wanted_digest text,
    -- what was wanted then, the address, and the node's state, secrets of the vendor among it
    applied json,
    sealed_applied bytea,
    applied_digest text,
    last_error text,
    attempts integer not null default 0,
    next_try timestamptz,
    -- when the vendor was last asked whether it still has the webhook
    checked_at timestamptz,
    primary key (tenant_id, id)
);
create index trigger_registrations_template on trigger_registrations (tenant_id, template_key);

alter table trigger_registrations enable row level security;
alter table trigger_registrations force row level security;
create policy tenant on trigger_registrations
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on trigger_registrations to tempor8_app;

-- Tenants that have such rows, and when one of them is to be looked at next. Not tenant data: ids only, as workers look for work.
create table registration_tenants (
    tenant_id text primary key references tenants (id) on delete cascade,
    due_at timestamptz not null default now()
);
create index registration_tenants_due on registration_tenants (due_at);
grant select, insert, update, delete on registration_tenants to tempor8_app;
