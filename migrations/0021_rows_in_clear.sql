-- migrate: no transaction
-- Which rows have data in clear, so that the loop that seals them finds the next ones at once; empty when it is done. Built beside the
-- work that goes on, so each statement stands alone; what an interrupted attempt left is removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
drop index concurrently if exists workflow_executions_clear_error;
create index concurrently if not exists workflow_executions_clear_error
    on workflow_executions (tenant_id) where error is not null;
drop index concurrently if exists workflow_executions_clear_user;
create index concurrently if not exists workflow_executions_clear_user
    on workflow_executions (tenant_id) where user_id is not null and not starts_with(user_id, 'sealed:');
drop index concurrently if exists workflow_executions_clear_problem;
create index concurrently if not exists workflow_executions_clear_problem
    on workflow_executions (tenant_id) where problem ->> 'message' is not null;
drop index concurrently if exists workflow_events_clear;
create index concurrently if not exists workflow_events_clear on workflow_events (tenant_id) where error is not null;
drop index concurrently if exists chat_memory_clear;
create index concurrently if not exists chat_memory_clear on chat_memory (tenant_id) where message is not null;
drop index concurrently if exists data_table_rows_clear;
create index concurrently if not exists data_table_rows_clear on data_table_rows (tenant_id) where row is not null;
drop index concurrently if exists kept_results_clear;
create index concurrently if not exists kept_results_clear on kept_results (tenant_id) where result is not null;
drop index concurrently if exists chat_memory_message;
create index concurrently if not exists chat_memory_message
    on chat_memory (tenant_id, session_key, message_digest) where message_digest is not null;
