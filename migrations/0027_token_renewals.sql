-- Who renews the token of a credential, so that one worker asks for all. No values: tokens are in the credential.
create table token_renewals (
    tenant_id text not null references tenants (id) on delete cascade,
    type text not null,
    name text not null,
    -- null: nobody does
    holder uuid,
    -- when the holder counts as dead
    held_until timestamptz,
    -- version of the credential whose refresh token the server refused; a credential that is connected again has another
    refused_version text,
    refused_at timestamptz,
    primary key (tenant_id, type, name)
);

alter table token_renewals enable row level security;
alter table token_renewals force row level security;
create policy tenant on token_renewals
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on token_renewals to tempor8_app;
