-- migrate: no transaction
-- Who answered what runs wait for: people by the links of messages and forms are actors of the audit log, too. The index is built
-- beside the work that goes on, so each statement stands alone; what an interrupted attempt left is removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
alter table audit_log drop constraint if exists audit_log_actor_kind_check;
alter table audit_log add constraint audit_log_actor_kind_check
    check (actor_kind in ('key', 'token', 'operator', 'cli', 'link')) not valid;
alter table audit_log validate constraint audit_log_actor_kind_check;
drop index concurrently if exists audit_log_answers;
create index concurrently if not exists audit_log_answers
    on audit_log (tenant_id, object, at desc) where action = 'run.answer';
