-- /// model
-- name = "logon_session"
-- title = "Logon sessions: from a Security 4624 to its end, one row each"
-- requires = ["events", "logon", "host_boot"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "The key is host and logon id, never the LogonGuid. Any logon type begins a new session. The ids 0x0 and 0x3e2 to 0x3e7 are the system's own and never sessions.",
--     "A session ends at its 4634 (at its 4647 only where no 4634 follows), at a boot of its host, or at the next 4624 that is given the same id, whichever comes first; end_source says which. A 4634 after that boot is not its own.",
--     "covers_until is the first moment that no longer belongs to the session. An end that was cut to seconds covers its whole second.",
--     "Nothing depends on the order of records: times decide, then record ids within one instant.",
-- ]
-- ///
create or replace view logon_session as
with marks as (
    select
        logon.host,
        logon.logon_id,
        logon.event_time,
        logon.record_id,
        logon.event_uid,
        'start' as mark
    from logon
    union all
    select
        events.host,
        events.target_logon_id as logon_id,
        events.event_time,
        events.record_id,
        events.event_uid,
        case when events.event_id = 4634 then 'logoff' else 'user logoff' end as mark
    from events
    where
        not coalesce(events.is_duplicate, false)
        and events.channel = 'Security'
        and events.event_id in (4634, 4647)
        and coalesce(events.provider, 'Microsoft-Windows-Security-Auditing') = 'Microsoft-Windows-Security-Auditing'
),

numbered as (
    select
        marks.host,
        marks.logon_id,
        marks.event_time,
        marks.event_uid,
        marks.mark,
        cast(
            sum(case when marks.mark = 'start' then 1 else 0 end) over (
                partition by marks.host, marks.logon_id
                order by
                    marks.event_time,
                    coalesce(marks.record_id, 0),
                    case when marks.mark = 'start' then 0 else 1 end,
                    marks.event_uid
                rows between unbounded preceding and current row
            ) as bigint
        ) as session_number
    from marks
    where
        marks.host is not null
        and marks.event_time is not null
        and coalesce(marks.logon_id, '') not in ('', '-', '0x0')
        and (length(marks.logon_id) = 5 and marks.logon_id between '0x3e2' and '0x3e7') is not true
),

spans as (
    select
        numbered.host,
        numbered.logon_id,
        numbered.session_number,
        min(case when numbered.mark = 'start' then numbered.event_time end) as start_time,
        min(case when numbered.mark = 'start' then numbered.event_uid end) as event_uid,
        min(case when numbered.mark = 'logoff' then numbered.event_time end) as logoff_time,
        min(case when numbered.mark = 'user logoff' then numbered.event_time end) as user_logoff_time
    from numbered
    where numbered.session_number > 0
    group by numbered.host, numbered.logon_id, numbered.session_number
),

followed as (
    select
        spans.host,
        spans.logon_id,
        spans.start_time,
        spans.event_uid,
        spans.logoff_time,
        spans.user_logoff_time,
        lead(spans.start_time) over (
            partition by spans.host, spans.logon_id order by spans.session_number
        ) as next_start_time
    from spans
),

timeline as (
    select
        followed.host,
        followed.event_uid,
        followed.start_time as event_time,
        cast(null as timestamptz) as boot_time
    from followed
    union all
    select
        host_boot.host,
        cast(null as varchar) as event_uid,
        host_boot.event_time,
        host_boot.event_time as boot_time
    from host_boot
),

boots as (
    select
        timeline.host,
        timeline.event_uid,
        min(timeline.boot_time) over (
            partition by timeline.host
            order by
                timeline.event_time desc,
                case when timeline.event_uid is null then 1 else 0 end asc,
                timeline.event_uid asc
            rows between unbounded preceding and current row
        ) as boot_time
    from timeline
),

booted as (
    select
        followed.host,
        followed.logon_id,
        followed.event_uid,
        followed.start_time,
        followed.next_start_time,
        followed.user_logoff_time,
        boots.boot_time,
        case when (followed.logoff_time > boots.boot_time) is not true then followed.logoff_time end as logoff_time
    from followed
    left join boots
        on
            followed.host = boots.host
            and followed.event_uid = boots.event_uid
),

limits as (
    select
        booted.host,
        booted.logon_id,
        booted.event_uid,
        booted.start_time,
        booted.next_start_time,
        booted.boot_time,
        coalesce(booted.logoff_time, booted.user_logoff_time) as logoff_time,
        case when booted.logoff_time is null then '4647' else '4634' end as logoff_source,
        least(
            coalesce(booted.logoff_time, booted.user_logoff_time), booted.boot_time, booted.next_start_time
        ) as end_time
    from booted
),

ends as (
    select
        limits.host,
        limits.logon_id,
        limits.event_uid,
        limits.start_time,
        limits.end_time,
        case
            when limits.end_time is null then null
            when limits.end_time = limits.logoff_time then limits.logoff_source
            when limits.end_time = limits.boot_time then 'boot'
            else 'reuse'
        end as end_source,
        case
            when limits.end_time is null then null
            when limits.end_time = limits.next_start_time then limits.end_time
            else
                least(
                    limits.next_start_time,
                    case
                        when date_trunc('second', limits.end_time) = limits.end_time
                            then limits.end_time + interval '1' second
                        else limits.end_time + interval '1' microsecond
                    end
                )
        end as covers_until
    from limits
),

final as (
    select
        ends.host,
        ends.logon_id,
        ends.event_uid,
        ends.start_time,
        ends.end_time,
        ends.end_source,
        ends.covers_until,
        logon.computer,
        logon.logon_type,
        logon.authentication_package,
        logon.user_name,
        logon.user_domain,
        logon.user_sid,
        logon.user_class,
        logon.linked_logon_id,
        logon.source_ip,
        logon.source_ip_key,
        logon.source_scope,
        logon.source_port,
        logon.workstation,
        logon.is_self,
        logon.channel,
        logon.event_id,
        logon.record_id,
        logon.source_file,
        logon.source_record
    from ends
    inner join logon
        on
            ends.host = logon.host
            and ends.event_uid = logon.event_uid
            and ends.start_time = logon.event_time
)

select * from final
