-- /// model
-- name = "wmic_child"
-- title = "wmic calls tied to the process that WmiPrvSE started for them"
-- requires = ["wmic_call", "wmi_child", "clock_skew"]
-- remembered = true
-- whole = true
-- kept = true
-- notes = [
--     "The child comes -5 to +120 seconds after the call across hosts, 0 to +120 seconds on one host (-1 where a clock is cut to seconds); what the clocks of the two hosts differ by is taken off first.",
--     "match is exact, contained (at least 4 characters, whole words on either side; or 64 with which the other begins, since agents cut long lines off) or image only (no command line was logged, the program's name agrees).",
--     "Of several candidates the nearest in time are tied, each call and each child once; of two equally near the child after the call.",
-- ]
-- ///
create or replace view wmic_child as
with children as (
    select
        wmi_child.host,
        wmi_child.child_uid,
        wmi_child.event_time,
        wmi_child.is_cut,
        wmi_child.process_path,
        wmi_child.process_name,
        wmi_child.process_id,
        wmi_child.command_line,
        wmi_child.user_name,
        wmi_child.user_domain,
        wmi_child.is_user,
        wmi_child.session_uid,
        wmi_child.evidence,
        trim(
            regexp_replace(replace(replace(lower(wmi_child.command_line), '"', ''), '%%', '%'), '\s+', ' ', 'g')
        ) as command_key
    from wmi_child
),

candidates as (
    select
        call.call_uid,
        call.event_time as call_time,
        call.host as source_host,
        call.target,
        call.target_host,
        call.process_name as source_process_name,
        call.process_id as source_process_id,
        call.process_path as source_process_path,
        call.command_line as source_command_line,
        call.user_name as source_user_name,
        call.user_domain as source_user_domain,
        call.explicit_user,
        call.remote_command,
        call.evidence as source_evidence,
        child.child_uid,
        child.event_time as child_time,
        child.process_name,
        child.process_id,
        child.command_line,
        child.user_name,
        child.user_domain,
        child.is_user,
        child.session_uid,
        child.evidence as target_evidence,
        coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds, 0) as skew_microseconds,
        coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds) is not null as is_skew_known,
        date_diff('microsecond', call.event_time, child.event_time)
        - coalesce(skew_of_day.skew_microseconds, skew_of_any_day.skew_microseconds, 0) as delay_microseconds,
        case
            when coalesce(call.host = child.host, false) is false then -5000000
            when call.is_cut or child.is_cut then -1000000
            else 0
        end as earliest,
        case
            when call.command_key = child.command_key then 'exact'
            when
                length(call.command_key) >= 4
                and contains(
                    ' ' || translate(child.command_key, '\/=,;&|<>()', '           ') || ' ',
                    ' ' || translate(call.command_key, '\/=,;&|<>()', '           ') || ' '
                )
                then 'contained'
            when
                length(child.command_key) >= 4
                and contains(
                    ' ' || translate(call.command_key, '\/=,;&|<>()', '           ') || ' ',
                    ' ' || translate(child.command_key, '\/=,;&|<>()', '           ') || ' '
                )
                then 'contained'
            -- An agent cuts long lines off: the rest of one is not there.
            when
                least(length(call.command_key), length(child.command_key)) >= 64
                and (
                    starts_with(child.command_key, call.command_key)
                    or starts_with(call.command_key, child.command_key)
                )
                then 'contained'
            when
                coalesce(child.command_key, '') = ''
                and (
                    child.process_name in (
                        regexp_extract(call.command_key, '^(?:[^ ]*[\\/])?([^ \\/]+)', 1),
                        regexp_extract(call.command_key, '^(?:[^ ]*[\\/])?([^ \\/]+)', 1) || '.exe'
                    )
                    -- A path with blanks in it.
                    or starts_with(call.command_key || ' ', lower(child.process_path) || ' ')
                )
                then 'image only'
        end as command_match
    from wmic_call as call
    inner join children as child on call.target_host = child.host
    left join clock_skew as skew_of_day
        on
            call.host = skew_of_day.host
            and child.host = skew_of_day.other_host
            and cast(call.event_time as date) = skew_of_day.skew_date
    left join clock_skew as skew_of_any_day
        on
            call.host = skew_of_any_day.host
            and child.host = skew_of_any_day.other_host
            and skew_of_any_day.skew_date is null
),

near as (
    select
        candidates.call_uid,
        candidates.target,
        candidates.child_uid,
        row_number() over (
            partition by candidates.call_uid, candidates.target_host
            order by
                abs(candidates.delay_microseconds) asc,
                candidates.delay_microseconds desc,
                candidates.child_uid asc,
                candidates.target asc
        ) as child_rank,
        row_number() over (
            partition by candidates.child_uid
            order by
                abs(candidates.delay_microseconds) asc,
                candidates.delay_microseconds desc,
                candidates.call_uid asc,
                candidates.target asc
        ) as call_rank
    from candidates
    where
        candidates.command_match is not null
        and candidates.delay_microseconds between candidates.earliest and 120000000
),

mutual as (
    select
        near.call_uid,
        near.target,
        near.child_uid,
        near.child_rank,
        min(near.child_rank) over (partition by near.call_uid, near.target) as best_of_call,
        min(near.child_rank) over (partition by near.child_uid) as best_of_child
    from near
    where near.child_rank = near.call_rank
),

final as (
    select
        candidates.call_uid,
        candidates.call_time,
        candidates.source_host,
        candidates.target,
        candidates.target_host,
        candidates.source_process_name,
        candidates.source_process_id,
        candidates.source_process_path,
        candidates.source_command_line,
        candidates.source_user_name,
        candidates.source_user_domain,
        candidates.explicit_user,
        candidates.remote_command,
        candidates.child_uid,
        candidates.child_time,
        candidates.process_name,
        candidates.process_id,
        candidates.command_line,
        case when candidates.is_user then candidates.user_name end as user_name,
        case when candidates.is_user then candidates.user_domain end as user_domain,
        candidates.session_uid,
        candidates.command_match,
        cast(candidates.delay_microseconds as double) / 1000000 as delay_seconds,
        case
            when candidates.is_skew_known then cast(candidates.skew_microseconds as double) / 1000000
        end as clock_skew_seconds,
        candidates.source_evidence,
        candidates.target_evidence
    from candidates
    inner join mutual
        on
            candidates.call_uid = mutual.call_uid
            and candidates.target = mutual.target
            and candidates.child_uid = mutual.child_uid
    where
        mutual.child_rank = mutual.best_of_call
        and mutual.child_rank = mutual.best_of_child
)

select * from final
