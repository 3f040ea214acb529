-- /// model
-- name = "explicit_credentials"
-- title = "Logons with credentials given on the spot (Security 4648), copies left out"
-- requires = ["events"]
-- kept = true
-- notes = [
--     "user_* and logon_id are the account that gave the credentials (Subject*); target_* is the account whose credentials they are, target_server where they were meant for.",
--     "is_same_name_other_domain: one name on both sides, up to an @, in domains whose first labels differ, such as a local Administrator who becomes the domain's. CORP and corp.example are one domain here; a target without a domain is taken for the subject's.",
--     "is_self is true where the target server is this host, by a name or address of its own or as localhost: runas, services and scheduled tasks. The settings may name further ones (host_alias).",
-- ]
-- ///
create or replace view explicit_credentials as
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
        events.logon_id,
        events.subject_name,
        events.subject_domain,
        events.subject_sid,
        events.subject_logon_id,
        events.target_name,
        events.target_domain,
        coalesce(
            lower(split_part(events.subject_name, '@', 1)) = lower(split_part(events.target_name, '@', 1))
            and split_part(lower(coalesce(nullif(events.subject_domain, '-'), '')), '.', 1)
            is distinct from split_part(
                lower(
                    coalesce(
                        nullif(nullif(events.target_domain, ''), '-'),
                        nullif(split_part(events.target_name, '@', 2), ''),
                        events.subject_domain,
                        ''
                    )
                ),
                '.',
                1
            ),
            false
        ) as is_same_name_other_domain,
        events.target_server,
        events.target_info,
        events.process_path,
        events.process_name,
        events.process_id,
        events.source_ip,
        events.source_ip_key,
        events.source_scope,
        events.source_port,
        coalesce(events.is_self, false) or coalesce(host_alias.host = events.host, false) as is_self
    from events
    left join host_alias on lower(events.target_server) = host_alias.alias
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 4648
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
)

select * from final
