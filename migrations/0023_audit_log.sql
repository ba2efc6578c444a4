-- Who changed what. Rows are added and never changed; the application may delete those older than a day (its retention is far
-- longer), so that nothing which takes over a process covers its traces at once. Rows of tenant '*' are the operator's own log.
create table audit_log (
    tenant_id text not null references tenants (id) on delete cascade,
    id uuid not null,
    at timestamptz not null default now(),
    actor_kind text not null check (actor_kind in ('key', 'token', 'operator', 'cli')),
    -- id of the key, subject of the token, name of the user at the command line
    actor text not null,
    actor_name text not null default '',
    action text not null,
    object text not null default '',
    outcome text not null check (outcome in ('done', 'denied', 'refused', 'failed')),
    -- of the HTTP response; null at the command line
    status integer,
    request_id text not null,
    address text not null default '',
    primary key (tenant_id, id)
);
create index audit_log_time on audit_log (tenant_id, at desc, id desc);

alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy tenant_reads on audit_log for select using (tenant_id = (select current_tenant()));
create policy tenant_adds on audit_log for insert with check (tenant_id = (select current_tenant()));
create policy tenant_expires on audit_log for delete
    using (tenant_id = (select current_tenant()) and at < now() - interval '1 day');
grant select, insert, delete on audit_log to tempor8_app;
