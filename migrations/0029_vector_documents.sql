-- Documents of the Simple Vector Store with their vectors, sealed for the tenant; in clear as long as the tenant has no data key.
create table vector_documents (
    tenant_id text not null references tenants (id) on delete cascade,
    -- a keyed hash of the store's key
    store_key text not null,
    document_id text not null,
    sequence bigint generated always as identity,
    document json,
    sealed bytea,
    created_at timestamptz not null default now(),
    primary key (tenant_id, store_key, document_id),
    check (document is not null or sealed is not null)
);

alter table vector_documents enable row level security;
alter table vector_documents force row level security;
create policy tenant on vector_documents
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on vector_documents to tempor8_app;
