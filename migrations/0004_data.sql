-- n8n's workflow static data: read once at the start of a run, written at its end.
create table static_data (
    tenant_id text not null references tenants (id) on delete cascade,
    template_key text not null,
    data json not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, template_key)
);

create table chat_memory (
    tenant_id text not null references tenants (id) on delete cascade,
    session_key text not null,
    sequence bigint generated always as identity,
    message json not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, session_key, sequence)
);

-- Payloads too large for a history, and binary data. Sealed for the tenant; addressed by a keyed hash of the plaintext.
create table payloads (
    tenant_id text not null references tenants (id) on delete cascade,
    address bytea not null check (length(address) = 32),
    sealed bytea not null,
    size bigint not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, address)
);
alter table payloads alter column sealed set storage external; -- ciphertext does not compress: do not try

-- Which run chains hold a payload. One that no open run holds is collected after the retention.
create table payload_uses (
    tenant_id text not null,
    address bytea not null,
    workflow_id text not null,
    used_at timestamptz not null default now(),
    primary key (tenant_id, address, workflow_id),
    foreign key (tenant_id, address) references payloads on delete cascade
);
create index payload_uses_workflow on payload_uses (tenant_id, workflow_id);

alter table static_data enable row level security;
alter table static_data force row level security;
create policy tenant on static_data
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on static_data to tempor8_app;

alter table chat_memory enable row level security;
alter table chat_memory force row level security;
create policy tenant on chat_memory
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, delete on chat_memory to tempor8_app;

alter table payloads enable row level security;
alter table payloads force row level security;
create policy tenant on payloads
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, delete on payloads to tempor8_app;
grant update (created_at) on payloads to tempor8_app;

alter table payload_uses enable row level security;
alter table payload_uses force row level security;
create policy tenant on payload_uses
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on payload_uses to tempor8_app;
