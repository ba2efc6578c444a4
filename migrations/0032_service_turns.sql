-- When requests with a credential went to a server lately, and which are under way, where the vendor bears only so many. No values.
create table service_turns (
    tenant_id text not null references tenants (id) on delete cascade,
    -- digest of credentials and server
    key text not null check (length(key) <= 64),
    -- the latest requests, oldest first: as many as a window has
    sent timestamptz[] not null default '{}',
    -- request -> when its worker counts as dead
    held jsonb not null default '{}',
    primary key (tenant_id, key)
);

alter table service_turns enable row level security;
alter table service_turns force row level security;
create policy tenant on service_turns
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on service_turns to tempor8_app;
