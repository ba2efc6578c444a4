-- When steps of runs opened a credential, and to which host they sent it. No values, and nothing of a request but its host.
create table credential_uses (
    tenant_id text not null references tenants (id) on delete cascade,
    id bigint generated always as identity,
    type text not null,
    name text not null,
    -- the workflow id of the run
    execution_id text not null,
    node text not null,
    -- '' when the step sent no request, or mail; the credential itself says where mail goes
    host text not null default '',
    -- the host is none of the credential's: the request was not sent
    refused boolean not null default false,
    -- openings that fell together
    times integer not null default 1 check (times > 0),
    used_at timestamptz not null,
    primary key (tenant_id, id)
);
create index credential_uses_by_name on credential_uses (tenant_id, name, id desc);
create index credential_uses_age on credential_uses (tenant_id, used_at);

alter table credential_uses enable row level security;
alter table credential_uses force row level security;
create policy tenant on credential_uses
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, delete on credential_uses to tempor8_app;
