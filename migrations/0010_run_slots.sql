-- Runs that hold or wait for a place, where a workflow lets only so many run at a time. First come, first served.
create table run_slots (
    tenant_id text not null references tenants (id) on delete cascade,
    key text not null check (length(key) <= 700),
    workflow_id text not null,
    ticket bigint not null generated always as identity,
    holds boolean not null default false,
    seen_at timestamptz not null default now(),
    primary key (tenant_id, key, workflow_id)
);
create index run_slots_ticket on run_slots (tenant_id, key, ticket);

alter table run_slots enable row level security;
alter table run_slots force row level security;
create policy tenant on run_slots
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on run_slots to tempor8_app;
