-- /// model
-- name = "script_execution"
-- title = "PowerShell: script blocks (4104), commands with their parameters (4103), pipelines (800), engine starts (400), copies left out"
-- requires = ["events"]
-- kept = true
-- notes = [
--     "command_line is that of the process that hosts the engine, cut at the first break that the log makes; object_name is the script's file.",
--     "The two logs name the account in different ways: 4103 by name and SID, 4104 by SID alone, 800 by name alone, 400 not at all. An 800 of the system account names the computer's domain (CORP\\SYSTEM); its class is system all the same.",
--     "process_id is that of the process which logged the event; the classic log has none.",
--     "A long script block comes in several 4104: message_number of message_total, tied by script_block_id.",
-- ]
-- ///
create or replace view script_execution as
with final as (
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
        events.activity_id,
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
        case
            when
                events.channel = 'Windows PowerShell'
                and events.user_class = 'domain'
                and lower(events.user_name) = 'system'
                then 'system'
            else events.user_class
        end as user_class,
        case
            when events.channel = 'Microsoft-Windows-PowerShell/Operational' then events.execution_process_id
        end as process_id,
        events.command_line,
        events.object_name,
        events.event_data ->> '$.ScriptBlockId' as script_block_id,
        try_cast(events.event_data ->> '$.MessageNumber' as integer) as message_number,
        try_cast(events.event_data ->> '$.MessageTotal' as integer) as message_total,
        events.script_text
    from events
    where
        not coalesce(events.is_duplicate, false)
        and (
            (
                events.channel = 'Microsoft-Windows-PowerShell/Operational'
                and events.event_id in (4103, 4104)
                and coalesce(events.provider, 'Microsoft-Windows-PowerShell') = 'Microsoft-Windows-PowerShell'
            )
            or (
                events.channel = 'Windows PowerShell'
                and events.event_id in (400, 800)
                and coalesce(events.provider, 'PowerShell') = 'PowerShell'
            )
        )
)

select * from final
