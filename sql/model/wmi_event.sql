-- /// model
-- name = "wmi_event"
-- title = "What WMI did: WMI-Activity 5857 to 5861 and Sysmon 19 to 21 in one shape, copies left out"
-- requires = ["events"]
-- notes = [
--     "operation_kind: provider_loaded (5857), operation_failed (5858), permanent_subscription or temporary_subscription (5859 by its cause, 5860 always temporary), filter (Sysmon 19), consumer (Sysmon 20), binding (Sysmon 21, 5861). operation_action is Sysmon's Created, Modified or Deleted.",
--     "wmi_consumer and wmi_filter are bare names and consumer_type the consumer's class, however the record writes them. Quotes and escapes around Sysmon's values and inside 5861's text are removed; events keeps what was logged.",
--     "In 5857 process_* is the process that loaded the provider, else process_id is the client's. A 5859 names the process that hosts the provider.",
--     "user_* of a 5861 is the consumer's CreatorSID: a SID without a name, and of a group for what Windows brought along.",
--     "is_remote is NULL where no client machine is named.",
-- ]
-- ///
create or replace view wmi_event as
with records as (
    select
        events.event_uid,
        events.event_time,
        events.time_source,
        events.utc_time,
        events.host,
        events.computer,
        events.provider,
        events.channel,
        events.event_id,
        events.version,
        events.record_id,
        events.event_data,
        events.source_id,
        events.source_file,
        events.source_record,
        events.format,
        events.batch_id,
        events.ingested_at,
        events.user_name,
        events.user_domain,
        events.user_sid,
        events.user_class,
        events.process_path,
        events.process_name,
        events.process_id,
        events.object_name,
        events.wmi_client_machine,
        events.wmi_operation,
        events.wmi_result,
        events.wmi_provider_path,
        events.channel = 'Microsoft-Windows-Sysmon/Operational' as is_sysmon,
        events.channel = 'Microsoft-Windows-Sysmon/Operational' or events.event_id = 5861 as is_escaped,
        case
            when events.channel = 'Microsoft-Windows-Sysmon/Operational'
                then regexp_extract(events.wmi_namespace, '(?s)^\s*"?(.*?)"?\s*$', 1)
            when events.event_id = 5858
                then
                    coalesce(
                        events.wmi_namespace,
                        nullif(regexp_extract(events.wmi_operation, '^Start \w+::\w+ - (.*?) : ', 1), '')
                    )
            else events.wmi_namespace
        end as wmi_namespace,
        case
            when events.channel = 'Microsoft-Windows-Sysmon/Operational'
                then regexp_extract(events.wmi_query, '(?s)^\s*"?(.*?)"?\s*$', 1)
            when events.event_id = 5858
                then
                    coalesce(
                        events.wmi_query,
                        nullif(regexp_extract(events.wmi_operation, '(?s)^Start \w+::\w+ - .*? : (.*)$', 1), '')
                    )
            else events.wmi_query
        end as wmi_query,
        case
            when events.channel = 'Microsoft-Windows-Sysmon/Operational'
                then regexp_extract(events.wmi_consumer, '(?s)^\s*"?(.*?)"?\s*$', 1)
            else events.wmi_consumer
        end as wmi_consumer,
        case
            when events.channel = 'Microsoft-Windows-Sysmon/Operational'
                then regexp_extract(events.wmi_filter, '(?s)^\s*"?(.*?)"?\s*$', 1)
            else events.wmi_filter
        end as wmi_filter,
        case
            when events.channel = 'Microsoft-Windows-Sysmon/Operational'
                then regexp_extract(events.script_text, '(?s)^\s*"?(.*?)"?\s*$', 1)
            else events.script_text
        end as script_text
    from events
    where
        not coalesce(events.is_duplicate, false)
        and (events.event_id in (19, 20, 21) or events.event_id in (5857, 5858, 5859, 5860, 5861))
        and (
            (
                events.channel = 'Microsoft-Windows-WMI-Activity/Operational'
                and events.event_id between 5857 and 5861
                and coalesce(events.provider, 'Microsoft-Windows-WMI-Activity') = 'Microsoft-Windows-WMI-Activity'
            )
            or (
                events.channel = 'Microsoft-Windows-Sysmon/Operational'
                and events.event_id between 19 and 21
                and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
            )
        )
),

-- In Sysmon's values and in 5861's object text '\\' is one backslash. Backslashes are kept aside, the other escapes undone;
-- elsewhere every backslash is one.
kept as (
    select
        records.event_uid,
        records.event_time,
        records.time_source,
        records.utc_time,
        records.host,
        records.computer,
        records.provider,
        records.channel,
        records.event_id,
        records.version,
        records.record_id,
        records.event_data,
        records.source_id,
        records.source_file,
        records.source_record,
        records.format,
        records.batch_id,
        records.ingested_at,
        records.user_name,
        records.user_domain,
        records.user_sid,
        records.user_class,
        records.process_path,
        records.process_name,
        records.process_id,
        records.object_name,
        records.wmi_client_machine,
        records.wmi_operation,
        records.wmi_result,
        records.wmi_provider_path,
        records.is_sysmon,
        replace(records.wmi_namespace, case when records.is_escaped then '\\' else '\' end, chr(1)) as wmi_namespace,
        replace(records.wmi_query, case when records.is_escaped then '\\' else '\' end, chr(1)) as wmi_query,
        replace(records.wmi_consumer, case when records.is_escaped then '\\' else '\' end, chr(1)) as wmi_consumer,
        replace(records.wmi_filter, case when records.is_escaped then '\\' else '\' end, chr(1)) as wmi_filter,
        replace(records.script_text, case when records.is_escaped then '\\' else '\' end, chr(1)) as script_text
    from records
),

plain as (
    select
        kept.event_uid,
        kept.event_time,
        kept.time_source,
        kept.utc_time,
        kept.host,
        kept.computer,
        kept.provider,
        kept.channel,
        kept.event_id,
        kept.version,
        kept.record_id,
        kept.event_data,
        kept.source_id,
        kept.source_file,
        kept.source_record,
        kept.format,
        kept.batch_id,
        kept.ingested_at,
        kept.user_name,
        kept.user_domain,
        kept.user_sid,
        kept.user_class,
        kept.process_path,
        kept.process_name,
        kept.process_id,
        kept.object_name,
        kept.wmi_client_machine,
        kept.wmi_operation,
        kept.wmi_result,
        kept.wmi_provider_path,
        kept.is_sysmon,
        replace(replace(kept.wmi_namespace, '\"', '"'), chr(1), '\') as wmi_namespace,
        replace(
            replace(
                replace(replace(replace(kept.wmi_query, '\"', '"'), '\n', chr(10)), '\r', chr(13)), '\t', chr(9)
            ),
            chr(1),
            '\'
        ) as wmi_query,
        replace(replace(kept.wmi_consumer, '\"', '"'), chr(1), '\') as wmi_consumer,
        replace(replace(kept.wmi_filter, '\"', '"'), chr(1), '\') as wmi_filter,
        replace(
            replace(
                replace(replace(replace(kept.script_text, '\"', '"'), '\n', chr(10)), '\r', chr(13)), '\t', chr(9)
            ),
            chr(1),
            '\'
        ) as script_text
    from kept
),

final as (
    select
        plain.event_uid,
        plain.event_time,
        plain.time_source,
        plain.utc_time,
        plain.host,
        plain.computer,
        plain.provider,
        plain.channel,
        plain.event_id,
        plain.version,
        plain.record_id,
        plain.event_data,
        plain.source_id,
        plain.source_file,
        plain.source_record,
        plain.format,
        plain.batch_id,
        plain.ingested_at,
        case
            when plain.event_id = 5857 then 'provider_loaded'
            when plain.event_id = 5858 then 'operation_failed'
            when plain.event_id = 5859 and starts_with(lower(plain.wmi_result), 'permanent')
                then 'permanent_subscription'
            when plain.event_id = 5859 and starts_with(lower(plain.wmi_result), 'temporary')
                then 'temporary_subscription'
            when plain.event_id = 5859 then 'subscription'
            when plain.event_id = 5860 then 'temporary_subscription'
            when plain.event_id = 19 then 'filter'
            when plain.event_id = 20 then 'consumer'
            else 'binding'
        end as operation_kind,
        case when plain.is_sysmon then plain.wmi_operation end as operation_action,
        plain.user_name,
        plain.user_domain,
        plain.user_sid,
        plain.user_class,
        plain.wmi_client_machine,
        case
            when coalesce(plain.wmi_client_machine, '') not in ('', '-')
                then
                    (
                        lower(plain.wmi_client_machine) in (plain.host, 'localhost', '127.0.0.1', '::1')
                        or lower(split_part(plain.wmi_client_machine, '.', 1))
                        in (
                            lower(split_part(plain.computer, '.', 1)),
                            substr(lower(split_part(plain.computer, '.', 1)), 1, 15)
                        )
                    ) is not true
        end as is_remote,
        plain.process_path,
        plain.process_name,
        plain.process_id,
        case when not coalesce(plain.is_sysmon, false) then plain.object_name end as wmi_provider_name,
        plain.wmi_provider_path,
        plain.wmi_namespace,
        case when not coalesce(plain.is_sysmon, false) then plain.wmi_operation end as wmi_operation,
        plain.wmi_query,
        case
            when plain.event_id in (21, 5861)
                then
                    coalesce(
                        nullif(regexp_extract(plain.wmi_consumer, '(?s)^[^=]*=\s*"?(.*?)"?\s*$', 1), ''),
                        plain.wmi_consumer
                    )
            else plain.wmi_consumer
        end as wmi_consumer,
        case
            when plain.event_id in (21, 5861)
                then nullif(regexp_extract(plain.wmi_consumer, '^(?:[^=]*[:\\])?(\w+)(?:\.\w+)?\s*=', 1), '')
            when coalesce(plain.event_id, 0) <> 20 then null
            when starts_with(lower(plain.object_name), 'command') then 'CommandLineEventConsumer'
            when contains(lower(plain.object_name), 'script') then 'ActiveScriptEventConsumer'
            else plain.object_name
        end as consumer_type,
        case
            when plain.event_id = 21
                then
                    coalesce(
                        nullif(regexp_extract(plain.wmi_filter, '(?s)^[^=]*=\s*"?(.*?)"?\s*$', 1), ''),
                        plain.wmi_filter
                    )
            else plain.wmi_filter
        end as wmi_filter,
        plain.script_text,
        plain.wmi_result
    from plain
)

select * from final
