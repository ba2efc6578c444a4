-- Versions whose webhooks listen below /webhook-test for one call, until a moment that is near.
create table test_listeners (
    tenant_id text not null references tenants (id) on delete cascade,
    template_key text not null,
    plan_hash text not null,
    expires_at timestamptz not null,
    primary key (tenant_id, template_key)
);

alter table test_listeners enable row level security;
alter table test_listeners force row level security;
create policy tenant on test_listeners
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on test_listeners to tempor8_app;
