-- migrate: no transaction
-- Who answered what runs wait for, and runs by the data that they declare.
-- Who answered: people by the links of messages and forms are actors of the audit log, too. The index is built
-- beside the work that goes on, so each statement stands alone; what an interrupted attempt left is removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
-- it comes back below and allows one more
-- squawk-ignore ban-drop-constraint
alter table audit_log drop constraint if exists audit_log_actor_kind_check;
alter table audit_log add constraint audit_log_actor_kind_check
    check (actor_kind in ('key', 'token', 'operator', 'cli', 'link')) not valid;
-- each statement of this file is a transaction of its own
-- squawk-ignore constraint-missing-not-valid
alter table audit_log validate constraint audit_log_actor_kind_check;
drop index concurrently if exists audit_log_answers;
create index concurrently if not exists audit_log_answers
    on audit_log (tenant_id, object, at desc) where action = 'run.answer';

-- what runs declare of themselves (n8n's Execution Data node), to be found by: keyed hashes of `name=value`
create table if not exists run_fields (
    tenant_id text not null,
    field text not null,
    execution_id text not null,
    primary key (tenant_id, field, execution_id),
    foreign key (tenant_id, execution_id) references workflow_executions (tenant_id, id) on delete cascade
);
create index concurrently if not exists run_fields_run on run_fields (tenant_id, execution_id);
alter table run_fields enable row level security;
alter table run_fields force row level security;
drop policy if exists tenant on run_fields;
create policy tenant on run_fields
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on run_fields to tempor8_app;
