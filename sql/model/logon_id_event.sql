-- /// model
-- name = "logon_id_event"
-- title = "Events by each logon id that they name"
-- requires = ["events"]
-- whole = true
-- notes = [
--     "An event that names two logon ids, such as the creator's and the new process's, stands here once for each; one that names the same id twice, once. TargetLinkedLogonId does not count: it is another session.",
--     "named_id is the logon id; named_by says which of its fields bear it.",
-- ]
-- ///
create or replace view logon_id_event as
with named as (
    select
        events.event_uid,
        events.event_time,
        events.host,
        events.channel,
        events.provider,
        events.event_id,
        events.record_id,
        events.user_name,
        events.user_domain,
        events.logon_type,
        events.process_name,
        events.process_id,
        events.command_line,
        events.source_ip,
        events.source_port,
        events.object_name,
        events.target_server,
        events.share_name,
        events.relative_target_name,
        events.source_file,
        events.source_record,
        events.logon_id as own_id,
        events.subject_logon_id,
        events.target_logon_id
    from events
    where not coalesce(events.is_duplicate, false)
),

by_field as (
    select
        named.event_uid,
        named.event_time,
        named.host,
        named.channel,
        named.provider,
        named.event_id,
        named.record_id,
        named.user_name,
        named.user_domain,
        named.logon_type,
        named.process_name,
        named.process_id,
        named.command_line,
        named.source_ip,
        named.source_port,
        named.object_name,
        named.target_server,
        named.share_name,
        named.relative_target_name,
        named.source_file,
        named.source_record,
        named.subject_logon_id,
        named.target_logon_id,
        named.subject_logon_id as named_id
    from named
    where named.subject_logon_id is not null
    union all
    select
        named.event_uid,
        named.event_time,
        named.host,
        named.channel,
        named.provider,
        named.event_id,
        named.record_id,
        named.user_name,
        named.user_domain,
        named.logon_type,
        named.process_name,
        named.process_id,
        named.command_line,
        named.source_ip,
        named.source_port,
        named.object_name,
        named.target_server,
        named.share_name,
        named.relative_target_name,
        named.source_file,
        named.source_record,
        named.subject_logon_id,
        named.target_logon_id,
        named.target_logon_id as named_id
    from named
    where named.target_logon_id is distinct from named.subject_logon_id
    union all
    select
        named.event_uid,
        named.event_time,
        named.host,
        named.channel,
        named.provider,
        named.event_id,
        named.record_id,
        named.user_name,
        named.user_domain,
        named.logon_type,
        named.process_name,
        named.process_id,
        named.command_line,
        named.source_ip,
        named.source_port,
        named.object_name,
        named.target_server,
        named.share_name,
        named.relative_target_name,
        named.source_file,
        named.source_record,
        named.subject_logon_id,
        named.target_logon_id,
        named.own_id as named_id
    from named
    where
        named.own_id is distinct from named.subject_logon_id
        and named.own_id is distinct from named.target_logon_id
),

final as (
    select
        by_field.event_uid,
        by_field.event_time,
        by_field.host,
        by_field.named_id,
        concat_ws(
            ', ',
            case when by_field.subject_logon_id = by_field.named_id then 'SubjectLogonId' end,
            case when by_field.target_logon_id = by_field.named_id then 'TargetLogonId' end,
            case
                when
                    by_field.subject_logon_id is distinct from by_field.named_id
                    and by_field.target_logon_id is distinct from by_field.named_id
                    then 'LogonId'
            end
        ) as named_by,
        by_field.channel,
        by_field.provider,
        by_field.event_id,
        by_field.record_id,
        by_field.user_name,
        by_field.user_domain,
        by_field.logon_type,
        by_field.process_name,
        by_field.process_id,
        by_field.command_line,
        by_field.source_ip,
        by_field.source_port,
        by_field.object_name,
        by_field.target_server,
        by_field.share_name,
        by_field.relative_target_name,
        by_field.source_file,
        by_field.source_record
    from by_field
    where coalesce(by_field.named_id, '') not in ('', '-')
)

select * from final
