-- Who may see what. `tempor8_app` is the group that the application's login belongs to: neither superuser nor
-- BYPASSRLS, owner of nothing. Roles belong to the whole server, so another database may have made it already.
do $$
begin
    create role tempor8_app nologin nosuperuser nobypassrls nocreatedb nocreaterole;
exception
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to tempor8_app;
grant select on schema_migrations to tempor8_app;

-- The tenant of the current transaction. After `set_config(..., true)` the setting is '' and not null outside it.
create function current_tenant() returns text
language sql stable parallel safe
as $$ select nullif(current_setting('app.tenant_id', true), '') $$;

create table tenants (
    id text primary key check (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$' or id = '*'),
    name text not null default '',
    -- host:port or network, opened in the egress guard for this tenant alone
    egress_allow text[] not null default '{}',
    created_at timestamptz not null default now()
);
comment on table tenants is 'Row ''*'' is the operator: what it publishes, every tenant may read and start.';

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants using (id = (select current_tenant())) with check (id = (select current_tenant()));
grant select, insert, update on tenants to tempor8_app;

-- A key is t8_<tenant>_<192 random bits>. Its tenant part says in whose rows to look, so no query crosses tenants.
create table api_keys (
    tenant_id text not null references tenants (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null default '',
    digest bytea not null check (length(digest) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, digest)
);
comment on column api_keys.digest is 'BLAKE2b-256 of the key under a key derived from the master key.';

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy tenant on api_keys
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert on api_keys to tempor8_app;
grant update (revoked_at, expires_at, name) on api_keys to tempor8_app;

create table credentials (
    tenant_id text not null references tenants (id) on delete cascade,
    type text not null,
    name text not null,
    sealed bytea not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, type, name)
);
comment on column credentials.sealed is 'AES-256-GCM under a key of this tenant; see runtime/platform/keys.py.';

alter table credentials enable row level security;
alter table credentials force row level security;
create policy tenant on credentials
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on credentials to tempor8_app;
