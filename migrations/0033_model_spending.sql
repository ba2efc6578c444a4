-- What the model requests of a step, a run, and a tenant on one day have used, where the operator limits it. Workers add to it after
-- each request and read it before the next one.
create table model_spending (
    tenant_id text not null references tenants (id) on delete cascade,
    scope text not null check (scope in ('step', 'run', 'day')),
    key text not null,
    turns bigint not null default 0,
    tokens bigint not null default 0,
    cost_usd numeric(18, 6) not null default 0,
    seconds double precision not null default 0,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, scope, key)
);
comment on column model_spending.key is 'run/node/run of the node, run, or day in UTC.';

alter table model_spending enable row level security;
alter table model_spending force row level security;
create policy tenant on model_spending
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on model_spending to tempor8_app;
