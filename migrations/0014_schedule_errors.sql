-- A schedule that Temporal refuses stops no other one: each row has its own error and its own next try.
alter table schedules
    -- the spec that Temporal refused for good; it is sent again only once `spec` differs from it
    add column refused json,
    -- Temporal's words
    add column last_error text,
    add column attempts integer not null default 0,
    add column next_try timestamptz;

-- When a tenant's changes are looked at next. The queue goes by it, so that one tenant's many rows delay no other tenant.
alter table schedule_changes add column next_try timestamptz not null default now();
create index schedule_changes_next_try on schedule_changes (next_try);

-- Whose schedules are compared with Temporal's. Not tenant data: ids only, as the scheduler looks for work.
create table schedule_tenants (
    tenant_id text primary key references tenants (id) on delete cascade
);
grant select, insert, delete on schedule_tenants to tempor8_app;

-- Rows of every tenant, which the owner sees only while the policy does not bind it.
alter table schedules no force row level security;
insert into schedule_tenants (tenant_id) select distinct tenant_id from schedules on conflict do nothing;
alter table schedules force row level security;

-- Which installation a schedule in Temporal belongs to, where several share a namespace.
create table installation (
    only_row boolean primary key default true check (only_row),
    id uuid not null default gen_random_uuid()
);
insert into installation default values;
grant select on installation to tempor8_app;
