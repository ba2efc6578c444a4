-- migrate: no transaction
-- Lists of the runs that one kind of trigger started. Built beside the work that goes on; what an interrupted attempt left is
-- removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
drop index concurrently if exists workflow_executions_trigger;
create index concurrently if not exists workflow_executions_trigger
    on workflow_executions (tenant_id, trigger_kind, started_at desc, id desc);
