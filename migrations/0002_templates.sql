-- Templates are immutable versions; "current" is one pointer that moves in one statement.
-- `json` and not `jsonb`: it keeps the order of keys, which n8n shows, and \u0000 in strings.
create table workflow_templates (
    tenant_id text not null references tenants (id) on delete cascade,
    key text not null check (key ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$'),
    version integer not null check (version > 0),
    name text not null,
    description text not null default '',
    plan_hash text not null,
    plan json not null,
    export json not null,
    -- durable or transient, expected duration in seconds, agents, triggers, verdict: what lists show
    metadata jsonb not null default '{}',
    created_by text,
    created_at timestamptz not null default now(),
    primary key (tenant_id, key, version)
);
create index workflow_templates_plan_hash on workflow_templates (tenant_id, plan_hash);

create table current_templates (
    tenant_id text not null,
    key text not null,
    version integer not null,
    active boolean not null default true,
    changed_at timestamptz not null default now(),
    primary key (tenant_id, key),
    foreign key (tenant_id, key, version) references workflow_templates on delete cascade
);

alter table workflow_templates enable row level security;
alter table workflow_templates force row level security;
create policy tenant on workflow_templates
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
create policy shared on workflow_templates for select
    using (tenant_id = '*' and (select current_tenant()) is not null);
grant select, insert on workflow_templates to tempor8_app;

alter table current_templates enable row level security;
alter table current_templates force row level security;
create policy tenant on current_templates
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
create policy shared on current_templates for select
    using (tenant_id = '*' and (select current_tenant()) is not null);
grant select, insert, update, delete on current_templates to tempor8_app;

-- Where a published template listens. The route carries the tenant: /webhook/<tenant>/<path>.
create table webhooks (
    tenant_id text not null references tenants (id) on delete cascade,
    method text not null,
    path text not null,
    -- the template may be the tenant's own or a shared one, so this is not a foreign key
    template_key text not null,
    node text not null,
    response_mode text not null default 'onReceived',
    settings jsonb not null default '{}',
    primary key (tenant_id, method, path)
);
create index webhooks_template on webhooks (tenant_id, template_key);

alter table webhooks enable row level security;
alter table webhooks force row level security;
create policy tenant on webhooks
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on webhooks to tempor8_app;
