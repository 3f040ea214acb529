-- /// model
-- name = "audit_tampering"
-- title = "Logs cleared, logging or its rules changed: Security 1102, 1100, 4719, System 104, Sysmon 4 and 16, copies left out"
-- requires = ["events"]
-- notes = [
--     "tampering_kind: log_cleared, logging_stopped, audit_policy_changed, sensor_stopped, sensor_started, sensor_configured. tampering says it in words.",
--     "is_less_logged: true for what was cleared or stopped and for a policy from which something was taken away, false where something was only added or started, NULL where the record does not tell.",
--     "Collectors that leave UserData out keep the account of a 1102 in the message only; user_class is NULL then. A 104 and a Sysmon 16 have the account's SID in the record's head.",
-- ]
-- ///
create or replace view audit_tampering as
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
        events.user_name as logged_name,
        events.user_domain,
        events.user_sid,
        events.system_user_sid,
        events.user_class,
        events.logon_id,
        events.object_name,
        case
            when events.event_id in (104, 1102) then 'log_cleared'
            when events.event_id = 1100 then 'logging_stopped'
            when events.event_id = 4719 then 'audit_policy_changed'
            when events.event_id = 16 then 'sensor_configured'
            when lower(events.object_name) = 'started' then 'sensor_started'
            when lower(events.object_name) = 'stopped' then 'sensor_stopped'
            else 'sensor_state'
        end as tampering_kind,
        case substr(events.object_name, 1, 8)
            when '0cce9210' then 'Security State Change'
            when '0cce9211' then 'Security System Extension'
            when '0cce9212' then 'System Integrity'
            when '0cce9213' then 'IPsec Driver'
            when '0cce9214' then 'Other System Events'
            when '0cce9215' then 'Logon'
            when '0cce9216' then 'Logoff'
            when '0cce9217' then 'Account Lockout'
            when '0cce9218' then 'IPsec Main Mode'
            when '0cce9219' then 'IPsec Quick Mode'
            when '0cce921a' then 'IPsec Extended Mode'
            when '0cce921b' then 'Special Logon'
            when '0cce921c' then 'Other Logon/Logoff Events'
            when '0cce921d' then 'File System'
            when '0cce921e' then 'Registry'
            when '0cce921f' then 'Kernel Object'
            when '0cce9220' then 'SAM'
            when '0cce9221' then 'Certification Services'
            when '0cce9222' then 'Application Generated'
            when '0cce9223' then 'Handle Manipulation'
            when '0cce9224' then 'File Share'
            when '0cce9225' then 'Filtering Platform Packet Drop'
            when '0cce9226' then 'Filtering Platform Connection'
            when '0cce9227' then 'Other Object Access Events'
            when '0cce9228' then 'Sensitive Privilege Use'
            when '0cce9229' then 'Non Sensitive Privilege Use'
            when '0cce922a' then 'Other Privilege Use Events'
            when '0cce922b' then 'Process Creation'
            when '0cce922c' then 'Process Termination'
            when '0cce922d' then 'DPAPI Activity'
            when '0cce922e' then 'RPC Events'
            when '0cce922f' then 'Audit Policy Change'
            when '0cce9230' then 'Authentication Policy Change'
            when '0cce9231' then 'Authorization Policy Change'
            when '0cce9232' then 'MPSSVC Rule-Level Policy Change'
            when '0cce9233' then 'Filtering Platform Policy Change'
            when '0cce9234' then 'Other Policy Change Events'
            when '0cce9235' then 'User Account Management'
            when '0cce9236' then 'Computer Account Management'
            when '0cce9237' then 'Security Group Management'
            when '0cce9238' then 'Distribution Group Management'
            when '0cce9239' then 'Application Group Management'
            when '0cce923a' then 'Other Account Management Events'
            when '0cce923b' then 'Directory Service Access'
            when '0cce923c' then 'Directory Service Changes'
            when '0cce923d' then 'Directory Service Replication'
            when '0cce923e' then 'Detailed Directory Service Replication'
            when '0cce923f' then 'Credential Validation'
            when '0cce9240' then 'Kerberos Service Ticket Operations'
            when '0cce9241' then 'Other Account Logon Events'
            when '0cce9242' then 'Kerberos Authentication Service'
            when '0cce9243' then 'Network Policy Server'
            when '0cce9244' then 'Detailed File Share'
            when '0cce9245' then 'Removable Storage'
            when '0cce9246' then 'Central Policy Staging'
            when '0cce9247' then 'User / Device Claims'
            when '0cce9248' then 'Plug and Play Events'
            when '0cce9249' then 'Group Membership'
            when '0cce924a' then 'Token Right Adjusted Events'
        end as subcategory,
        replace(
            replace(
                replace(replace(events.registry_details, '%%8448', 'Success removed'), '%%8449', 'Success added'),
                '%%8450',
                'Failure removed'
            ),
            '%%8451',
            'Failure added'
        ) as details,
        case
            when events.event_id = 1102 and events.user_name is null
                then
                    nullif(
                        regexp_extract(events.event_data ->> '$.Message', '\n\s*Account Name:\s*([^\r\n]*[^\r\n\s])', 1), ''
                    )
        end as message_name,
        case
            when events.event_id = 1102 and events.user_name is null
                then
                    nullif(
                        regexp_extract(events.event_data ->> '$.Message', '\n\s*Domain Name:\s*([^\r\n]*[^\r\n\s])', 1), ''
                    )
        end as message_domain,
        case
            when events.event_id = 1102 and events.user_name is null
                then
                    nullif(
                        lower(
                            regexp_extract(events.event_data ->> '$.Message', '\n\s*Logon ID:\s*(0[xX][0-9a-fA-F]+)', 1)
                        ),
                        ''
                    )
        end as message_logon_id
    from events
    where
        not coalesce(events.is_duplicate, false)
        and (
            (
                events.channel = 'Security'
                and events.event_id in (1100, 1102)
                and coalesce(events.provider, 'Microsoft-Windows-Eventlog') = 'Microsoft-Windows-Eventlog'
            )
            or (
                events.channel = 'System'
                and events.event_id = 104
                and coalesce(events.provider, 'Microsoft-Windows-Eventlog') = 'Microsoft-Windows-Eventlog'
            )
            or (
                events.channel = 'Security'
                and events.event_id = 4719
                and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing')
                = 'Microsoft-Windows-Security-Auditing'
            )
            or (
                events.channel = 'Microsoft-Windows-Sysmon/Operational'
                and events.event_id in (4, 16)
                and coalesce(events.provider, 'Microsoft-Windows-Sysmon') = 'Microsoft-Windows-Sysmon'
            )
        )
),

final as (
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
        records.tampering_kind,
        case
            when records.event_id = 1102 then 'Security log cleared'
            when records.event_id = 104 then coalesce(records.object_name, 'unnamed') || ' log cleared'
            when records.event_id = 1100 then 'event log service stopped'
            when records.event_id = 4719
                then
                    'audit policy of ' || coalesce(records.subcategory, records.object_name, 'an unnamed subcategory')
                    || ': ' || coalesce(nullif(records.details, ''), 'changed')
            when records.event_id = 16
                then 'Sysmon configured: ' || coalesce(nullif(records.object_name, ''), 'no file named')
            else 'Sysmon ' || coalesce(lower(records.object_name), 'changed its state')
        end as tampering,
        case
            when records.tampering_kind in ('log_cleared', 'logging_stopped', 'sensor_stopped') then true
            when records.tampering_kind = 'sensor_started' then false
            when contains(lower(records.details), 'removed') then true
            when contains(lower(records.details), 'added') then false
        end as is_less_logged,
        coalesce(records.logged_name, records.message_name) as user_name,
        coalesce(records.user_domain, records.message_domain) as user_domain,
        coalesce(records.user_sid, case when records.event_id in (16, 104) then records.system_user_sid end) as user_sid,
        case when records.message_name is null then records.user_class end as user_class,
        coalesce(records.logon_id, records.message_logon_id) as logon_id,
        case
            when records.event_id = 1102 then 'Security'
            when records.event_id = 4719 then coalesce(records.subcategory, records.object_name)
            else records.object_name
        end as object_name,
        records.details
    from records
)

select * from final
