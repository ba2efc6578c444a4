-- n8n's $vars: what a tenant's workflows read by name.
create table variables (
    tenant_id text not null references tenants (id) on delete cascade,
    key text not null check (key ~ '^[A-Za-z_][A-Za-z0-9_]{0,49}$'),
    value text not null check (length(value) <= 1000),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, key)
);

alter table variables enable row level security;
alter table variables force row level security;
create policy tenant on variables
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on variables to tempor8_app;
