-- /// model
-- name = "credential_logon"
-- title = "Credentials given for another host (4648) tied to the network logon there"
-- requires = ["explicit_credentials", "logon", "host_name", "clock_skew"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "The server is taken by its short name, without the service part of a principal name and without the dollar sign of a machine account; one that several hosts share is the one with the DNS suffix of the host that gave the credentials. The logon is of type 3, of the same user name, -5 to +120 seconds after, clocks corrected where their difference is known. One row for each pair of records.",
-- ]
-- ///
create or replace view credential_logon as
with given as (
    select
        credentials.event_uid,
        credentials.event_time,
        credentials.host,
        credentials.subject_name,
        credentials.subject_domain,
        credentials.target_name,
        credentials.target_domain,
        credentials.target_server,
        credentials.process_name,
        credentials.process_path,
        credentials.process_id,
        credentials.channel,
        credentials.event_id,
        credentials.record_id,
        credentials.source_file,
        credentials.source_record,
        lower(split_part(credentials.target_name, '@', 1)) as user_key,
        regexp_extract(lower(credentials.computer), '^[^.]*([.].+)$', 1) as dns_suffix,
        lower(replace(regexp_replace(credentials.target_server, '^[^/]*/|:[0-9]+$', ''), '$', '')) as server
    from explicit_credentials as credentials
    where coalesce(credentials.target_server, '') not in ('', '-')
),

named as (
    select
        given.event_uid,
        given.event_time,
        given.host,
        given.subject_name,
        given.subject_domain,
        given.target_name,
        given.target_domain,
        given.target_server,
        given.process_name,
        given.process_path,
        given.process_id,
        given.channel,
        given.event_id,
        given.record_id,
        given.source_file,
        given.source_record,
        given.user_key,
        given.server,
        coalesce(exact.host, neighbour.host, short.host) as target_host
    from given
    left join host_name as exact on given.server = exact.name
    left join host_name as neighbour
        on
            strpos(given.server, '.') = 0
            and given.server || given.dns_suffix = neighbour.name
    left join host_name as short
        on
            not regexp_matches(coalesce(given.server, ''), '^[0-9.]+$')
            and split_part(given.server, '.', 1) = short.name
),

remote as (
    select
        logon.event_uid,
        logon.event_time,
        logon.host,
        logon.user_name,
        logon.user_domain,
        logon.logon_id,
        logon.source_ip,
        logon.source_port,
        logon.channel,
        logon.event_id,
        logon.record_id,
        logon.source_file,
        logon.source_record,
        lower(split_part(logon.user_name, '@', 1)) as user_key
    from logon
    where logon.logon_type = 3
),

final as (
    select
        named.event_uid as credential_uid,
        named.event_time as credential_time,
        named.host as source_host,
        named.subject_name as source_user_name,
        named.subject_domain as source_user_domain,
        named.process_name as source_process_name,
        named.process_path as source_process_path,
        named.process_id as source_process_id,
        named.target_server,
        named.target_host,
        remote.event_uid as session_uid,
        remote.event_time as logon_time,
        remote.user_name,
        remote.user_domain,
        remote.user_key,
        remote.logon_id,
        remote.source_ip,
        remote.source_port,
        cast(coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds) as double)
        / 1000000 as clock_skew_seconds,
        {
            'event_time': named.event_time,
            'event_uid': named.event_uid,
            'host': named.host,
            'channel': named.channel,
            'event_id': named.event_id,
            'record_id': named.record_id,
            'source_file': named.source_file,
            'source_record': named.source_record
        } as source_record,
        {
            'event_time': remote.event_time,
            'event_uid': remote.event_uid,
            'host': remote.host,
            'channel': remote.channel,
            'event_id': remote.event_id,
            'record_id': remote.record_id,
            'source_file': remote.source_file,
            'source_record': remote.source_record
        } as target_record
    from named
    inner join remote
        on
            named.target_host = remote.host
            and named.user_key = remote.user_key
    left join clock_skew as skew_of_day
        on
            named.host = skew_of_day.host
            and remote.host = skew_of_day.other_host
            and cast(named.event_time as date) = skew_of_day.skew_date
    left join clock_skew as skew_of_any_day
        on
            named.host = skew_of_any_day.host
            and remote.host = skew_of_any_day.other_host
            and skew_of_any_day.skew_date is null
    where
        named.host is distinct from named.target_host
        and date_diff('microsecond', named.event_time, remote.event_time)
        - coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds, 0)
        between -5000000 and 120000000
)

select * from final
