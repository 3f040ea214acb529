-- /// model
-- name = "connection_logon"
-- title = "The exact tie: a connection's own address and port stand in a network logon of another host"
-- requires = ["network_connection", "logon", "clock_skew", "address_owner"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "A connection that a host opened, and a 4624 of type 3 on another host with the same source address and port within 120 seconds, clocks corrected where their difference is known. One row for each connection and logon.",
--     "A connection whose destination address belongs to a third host is not tied.",
-- ]
-- ///
create or replace view connection_logon as
with hours as (
    select cast(0 as integer) as later
    union all
    select cast(1 as integer) as later
),

opened as (
    select
        network_connection.event_uid,
        network_connection.event_time,
        network_connection.host,
        network_connection.source_ip,
        network_connection.source_ip_key,
        network_connection.source_port,
        network_connection.destination_ip,
        network_connection.destination_ip_key,
        network_connection.destination_port,
        network_connection.process_name,
        network_connection.process_path,
        network_connection.process_id,
        network_connection.user_name,
        network_connection.user_domain,
        network_connection.channel,
        network_connection.event_id,
        network_connection.record_id,
        network_connection.source_file,
        network_connection.source_record,
        case
            when hours.later = 0 then date_trunc('hour', network_connection.event_time - interval '10' minute)
            else date_trunc('hour', network_connection.event_time + interval '10' minute)
        end as tie_hour
    from network_connection
    cross join hours
    where
        network_connection.is_initiated
        and network_connection.source_port > 0
        and network_connection.source_scope in ('internal', 'external')
        and (
            hours.later = 0
            or date_trunc('hour', network_connection.event_time - interval '10' minute)
            is distinct from date_trunc('hour', network_connection.event_time + interval '10' minute)
        )
),

remote as (
    select
        logon.event_uid,
        logon.event_time,
        logon.host,
        logon.source_ip_key,
        logon.source_port,
        logon.user_name,
        logon.user_domain,
        logon.user_class,
        logon.logon_id,
        logon.channel,
        logon.event_id,
        logon.record_id,
        logon.source_file,
        logon.source_record,
        date_trunc('hour', logon.event_time) as tie_hour
    from logon
    where
        logon.logon_type = 3
        and logon.source_port > 0
        and logon.source_ip_key is not null
),

final as (
    select
        opened.event_uid as connection_uid,
        opened.event_time as connection_time,
        opened.host as source_host,
        opened.source_ip,
        opened.source_ip_key,
        opened.source_port,
        opened.destination_ip,
        opened.destination_port,
        opened.process_name as source_process_name,
        opened.process_path as source_process_path,
        opened.process_id as source_process_id,
        opened.user_name as source_user_name,
        opened.user_domain as source_user_domain,
        remote.event_uid as session_uid,
        remote.event_time as logon_time,
        remote.host as target_host,
        remote.user_name,
        remote.user_domain,
        remote.user_class,
        remote.logon_id,
        cast(coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds) as double)
        / 1000000 as clock_skew_seconds,
        {
            'event_time': opened.event_time,
            'event_uid': opened.event_uid,
            'host': opened.host,
            'channel': opened.channel,
            'event_id': opened.event_id,
            'record_id': opened.record_id,
            'source_file': opened.source_file,
            'source_record': opened.source_record
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
    from opened
    inner join remote
        on
            opened.source_ip_key = remote.source_ip_key
            and opened.source_port = remote.source_port
            and opened.tie_hour = remote.tie_hour
    left join clock_skew as skew_of_day
        on
            opened.host = skew_of_day.host
            and remote.host = skew_of_day.other_host
            and cast(opened.event_time as date) = skew_of_day.skew_date
    left join clock_skew as skew_of_any_day
        on
            opened.host = skew_of_any_day.host
            and remote.host = skew_of_any_day.other_host
            and skew_of_any_day.skew_date is null
    left join address_owner
        on
            opened.destination_ip_key = address_owner.ip_key
            and cast(opened.event_time as date) = address_owner.owner_date
    where
        opened.host is distinct from remote.host
        and abs(
            date_diff('microsecond', opened.event_time, remote.event_time)
            - coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds, 0)
        ) <= 120000000
        and (address_owner.host is null or address_owner.host = remote.host)
)

select * from final
