-- When published templates start by themselves. Rows say what is wanted; `applied` what Temporal was told of it.
create table schedules (
    tenant_id text not null references tenants (id) on delete cascade,
    -- the id of the schedule in Temporal, without the tenant
    id text not null,
    template_key text not null,
    node text not null,
    -- {"crons": [...]} or {"every": s, "offset": s}, and the time zone; null: it is to be removed
    spec json,
    applied json,
    primary key (tenant_id, id)
);
create index schedules_template on schedules (tenant_id, template_key);

alter table schedules enable row level security;
alter table schedules force row level security;
create policy tenant on schedules
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on schedules to tempor8_app;

-- Tenants with rows that Temporal was not told of yet. Not tenant data: ids only, as the scheduler looks for work.
create table schedule_changes (
    tenant_id text primary key references tenants (id) on delete cascade,
    changed_at timestamptz not null default now()
);
grant select, insert, update, delete on schedule_changes to tempor8_app;
