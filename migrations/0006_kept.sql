-- What nodes keep between runs.
create table data_tables (
    tenant_id text not null references tenants (id) on delete cascade,
    id text not null,
    name text not null,
    columns json not null,
    next_id bigint not null default 1,
    -- as text, as n8n writes them: they are read back to the character
    created_at text not null,
    updated_at text not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
comment on column data_tables.columns is '[[name, string|number|boolean|date], ...] in their order.';

create table data_table_rows (
    tenant_id text not null,
    table_id text not null,
    id bigint not null,
    row json not null,
    primary key (tenant_id, table_id, id),
    foreign key (tenant_id, table_id) references data_tables on delete cascade
);

-- Remove Duplicates: what was seen in earlier runs, hashed, oldest first.
create table seen_values (
    tenant_id text not null references tenants (id) on delete cascade,
    scope text not null,
    list json not null,
    primary key (tenant_id, scope)
);

-- The result of a step that changed one of these, so that another attempt of it changes nothing.
create table kept_results (
    tenant_id text not null references tenants (id) on delete cascade,
    key text not null,
    result json not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, key)
);
create index kept_results_age on kept_results (tenant_id, created_at);

alter table data_tables enable row level security;
alter table data_tables force row level security;
create policy tenant on data_tables
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on data_tables to tempor8_app;

alter table data_table_rows enable row level security;
alter table data_table_rows force row level security;
create policy tenant on data_table_rows
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on data_table_rows to tempor8_app;

alter table seen_values enable row level security;
alter table seen_values force row level security;
create policy tenant on seen_values
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on seen_values to tempor8_app;

alter table kept_results enable row level security;
alter table kept_results force row level security;
create policy tenant on kept_results
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, delete on kept_results to tempor8_app;
