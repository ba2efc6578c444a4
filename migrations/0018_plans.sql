-- Plans by hash. A run carries the hash of its plan; the row stays while a template or a run refers to it.
create table plans (
    tenant_id text not null references tenants (id) on delete cascade,
    hash text not null,
    plan json not null,
    -- since when the collector has seen neither a template nor a run that refers to it
    unreferenced_since timestamptz,
    created_at timestamptz not null default now(),
    primary key (tenant_id, hash)
);
comment on table plans is 'Rows are immutable. Plans of tenant ''*'' are read by all tenants and never collected.';

-- row level security binds the owner, too, unless it is a superuser
alter table workflow_templates no force row level security;
insert into plans (tenant_id, hash, plan)
select distinct on (tenant_id, plan_hash) tenant_id, plan_hash, plan from workflow_templates
order by tenant_id, plan_hash, version;
alter table workflow_templates force row level security;

alter table plans enable row level security;
alter table plans force row level security;
create policy tenant on plans
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
create policy shared on plans for select
    using (tenant_id = '*' and (select current_tenant()) is not null);
grant select, insert, delete on plans to tempor8_app;
grant update (unreferenced_since) on plans to tempor8_app;
