-- /// model
-- name = "remote_child"
-- title = "Children of WmiPrvSE in network logon sessions, with the host or address that the session came from"
-- requires = ["events", "wmi_child", "logon_session", "connection_logon", "wmic_child", "address_owner", "host_address"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "source_via says how the source is known: connection (the very connection was logged at the source), command (a wmic call there fits), logged (the address in the 4624), ticket (a 4624 without address: the Kerberos ticket that the same user got for this host within 15 seconds). NULL: not known.",
--     "source_host is NULL where the address belongs to no host with logs, or to several; source_ip then stands alone.",
--     "Sessions that came from the host itself are not here.",
-- ]
-- ///
create or replace view remote_child as
with children as (
    select
        wmi_child.host,
        wmi_child.child_uid,
        wmi_child.event_time,
        wmi_child.process_name,
        wmi_child.process_id,
        wmi_child.command_line,
        wmi_child.evidence,
        session.event_uid as session_uid,
        session.start_time,
        session.logon_id,
        session.user_name,
        session.user_domain,
        session.source_ip,
        session.source_ip_key,
        session.source_scope,
        session.source_port,
        session.workstation,
        session.channel,
        session.event_id,
        session.record_id,
        session.source_file,
        session.source_record,
        lower(split_part(session.user_name, '@', 1)) as user_key
    from wmi_child
    inner join logon_session as session
        on
            wmi_child.host = session.host
            and wmi_child.session_uid = session.event_uid
    where
        session.logon_type = 3
        and not coalesce(session.is_self, false)
),

ties as (
    select
        connection_logon.target_host,
        connection_logon.session_uid,
        min(connection_logon.source_host) as source_host
    from connection_logon
    group by connection_logon.target_host, connection_logon.session_uid
),

calls as (
    select
        wmic_child.child_uid,
        min(wmic_child.source_host) as source_host
    from wmic_child
    where wmic_child.source_host is distinct from wmic_child.target_host
    group by wmic_child.child_uid
),

tickets as (
    select
        children.child_uid,
        arg_min(
            { 'ip': events.source_ip, 'ip_key': events.source_ip_key },
            {
                't': abs(date_diff('microsecond', events.event_time, children.start_time)),
                'u': events.event_uid
            }
        ) as ticket
    from children
    inner join events
        on lower(split_part(events.target_name, '@', 1)) = children.user_key
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id = 4769
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
        and events.source_scope in ('internal', 'external')
        and children.source_scope = 'none'
        and lower(replace(events.target_server, '$', '')) = substr(split_part(children.host, '.', 1), 1, 15)
        and events.event_time >= children.start_time - interval '15' second
        and events.event_time <= children.start_time + interval '15' second
    group by children.child_uid
),

addressed as (
    select
        children.host,
        children.child_uid,
        children.event_time,
        children.process_name,
        children.process_id,
        children.command_line,
        children.evidence,
        children.session_uid,
        children.start_time,
        children.logon_id,
        children.user_name,
        children.user_domain,
        children.source_port,
        children.workstation,
        children.channel,
        children.event_id,
        children.record_id,
        children.source_file,
        children.source_record,
        case when children.source_scope = 'none' then tickets.ticket.ip else children.source_ip end as source_ip,
        case when children.source_scope = 'none' then tickets.ticket.ip_key else children.source_ip_key end as source_ip_key,
        ties.source_host as tied_host,
        calls.source_host as calling_host,
        children.source_scope
    from children
    left join ties
        on
            children.host = ties.target_host
            and children.session_uid = ties.session_uid
    left join calls on children.child_uid = calls.child_uid
    left join tickets on children.child_uid = tickets.child_uid
),

final as (
    select
        addressed.host,
        addressed.child_uid,
        addressed.event_time,
        addressed.process_name,
        addressed.process_id,
        addressed.command_line,
        addressed.evidence,
        addressed.session_uid,
        addressed.start_time,
        addressed.logon_id,
        addressed.user_name,
        addressed.user_domain,
        addressed.source_ip,
        addressed.source_ip_key,
        addressed.source_port,
        addressed.workstation,
        case when of_day.ip_key is null then of_any_day.host else of_day.host end as owner_host,
        coalesce(
            addressed.tied_host,
            addressed.calling_host,
            case when of_day.ip_key is null then of_any_day.host else of_day.host end
        ) as source_host,
        case
            when addressed.tied_host is not null then 'connection'
            when addressed.calling_host is not null then 'command'
            when addressed.source_scope in ('internal', 'external') then 'logged'
            when addressed.source_ip_key is not null then 'ticket'
        end as source_via,
        {
            'event_time': addressed.start_time,
            'event_uid': addressed.session_uid,
            'host': addressed.host,
            'channel': addressed.channel,
            'event_id': addressed.event_id,
            'record_id': addressed.record_id,
            'source_file': addressed.source_file,
            'source_record': addressed.source_record
        } as session_record
    from addressed
    left join address_owner as of_day
        on
            addressed.source_ip_key = of_day.ip_key
            and cast(addressed.start_time as date) = of_day.owner_date
    left join address_owner as of_any_day
        on
            addressed.source_ip_key = of_any_day.ip_key
            and of_any_day.owner_date is null
    left join host_address
        on
            addressed.source_ip_key = host_address.ip_key
            and addressed.host = host_address.host
            and cast(addressed.start_time as date) = host_address.address_date
    where
        host_address.host is null
        and coalesce(
            addressed.tied_host,
            addressed.calling_host,
            case when of_day.ip_key is null then of_any_day.host else of_day.host end,
            ''
        ) <> coalesce(addressed.host, '')
)

select * from final
