-- migrate: no transaction
-- Lists by status and by user, and of runs with a problem. Built beside the work that goes on, so each statement stands alone;
-- what an interrupted attempt left is removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
drop index concurrently if exists workflow_executions_status;
create index concurrently if not exists workflow_executions_status
    on workflow_executions (tenant_id, status, started_at desc, id desc);
drop index concurrently if exists workflow_executions_user;
create index concurrently if not exists workflow_executions_user
    on workflow_executions (tenant_id, user_id, started_at desc, id desc) where user_id is not null;
drop index concurrently if exists workflow_executions_problem;
create index concurrently if not exists workflow_executions_problem
    on workflow_executions (tenant_id, started_at desc, id desc) where problem is not null;
