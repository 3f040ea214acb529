-- /// risk
-- id = "risk_events"
-- version = 1
-- title = "Each hit of a detection or a chain, for each host and user at risk"
-- description = "One row for each finding and risk object, with the act that the finding belongs to. Of all findings of one act only the one with the highest score counts for an object, so a wmic that eight analytics and two logs see is one act."
-- order_by = ["event_time", "analytic", "finding_id", "risk_object_type", "risk_object"]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "finding is the newest version of every detection and chain in one shape, written from their heads when the view is made.",
--     "risk_score: the score that a document gives, else impact x confidence / 100; lateral_movement's confidence is that of its row.",
--     "act: the lateral movement in whose evidence a finding's records are (the one with most of them, then the nearest in time, then the surest), those in the session in which its work was done, and findings about the same process within 120 seconds of such a one; else one process on one host (process id and name), else one user on one host, in a chain of gaps of at most 120 seconds.",
--     "A process whose child the same analytic hits within 120 seconds is of the child's act: cmd.exe /c wmic ... and its wmic.exe are one.",
--     "Users: domain and name in lower case, the domain up to its first dot, since logs write CORP and CORP.EXAMPLE for one account. A name without a domain gets the only one that the name has within the act; a local account gets its host.",
--     "No risk objects: empty names and dashes, a source that is not known, accounts of the system (by class, SID, or the domain's name), machine accounts. The findings still count for their host.",
--     "message has command lines as logged, passwords too; commands and reports mask them.",
-- ]
-- ///
create or replace view hunt.risk_events_v1 as
with ranked as (
    select
        finding.finding_id,
        finding.analytic,
        finding.version,
        finding.kind,
        finding.severity,
        finding.event_time,
        finding.last_time,
        lower(finding.host) as host,
        lower(finding.user_name) as user_name,
        lower(finding.user_domain) as user_domain,
        finding.process_id,
        lower(finding.process_name) as process_name,
        finding.parent_process_id,
        finding.logon_id,
        lower(finding.session_host) as session_host,
        finding.session_ids,
        finding.event_uids,
        finding.message,
        finding.objects,
        finding.techniques,
        finding.tactics,
        row_number() over (
            partition by finding.finding_id
            order by finding.event_time, finding.last_time, finding.message
        ) as place
    from finding
),

findings as (
    select
        ranked.finding_id,
        ranked.analytic,
        ranked.version,
        ranked.kind,
        ranked.severity,
        ranked.event_time,
        ranked.last_time,
        ranked.host,
        ranked.user_name,
        ranked.user_domain,
        ranked.process_id,
        ranked.process_name,
        ranked.parent_process_id,
        ranked.logon_id,
        ranked.session_host,
        ranked.session_ids,
        ranked.event_uids,
        ranked.message,
        ranked.objects,
        ranked.techniques,
        ranked.tactics
    from ranked
    where ranked.place = 1
),

move_records as (
    select
        findings.finding_id as movement,
        findings.event_time,
        findings.last_time,
        findings.objects[1].score as score,
        unnest(findings.event_uids) as event_uid
    from findings
    where findings.analytic = 'lateral_movement'
),

finding_records as (
    select
        findings.finding_id,
        findings.event_time,
        unnest(findings.event_uids) as event_uid
    from findings
    where coalesce(findings.analytic, '') <> 'lateral_movement'
),

by_record as (
    select
        finding_records.finding_id,
        finding_records.event_time,
        move_records.movement,
        move_records.event_time as first_time,
        move_records.last_time,
        move_records.score,
        count(*) as records
    from finding_records
    inner join move_records on finding_records.event_uid = move_records.event_uid
    group by
        finding_records.finding_id,
        finding_records.event_time,
        move_records.movement,
        move_records.event_time,
        move_records.last_time,
        move_records.score
),

move_sessions as (
    select
        findings.finding_id as movement,
        findings.event_time,
        findings.last_time,
        findings.objects[1].score as score,
        findings.session_host,
        unnest(findings.session_ids) as logon_id
    from findings
    where findings.analytic = 'lateral_movement'
),

shared as (
    select
        by_record.finding_id,
        by_record.event_time,
        by_record.movement,
        by_record.first_time,
        by_record.last_time,
        by_record.score,
        by_record.records
    from by_record
    union all
    select
        findings.finding_id,
        findings.event_time,
        move_sessions.movement,
        move_sessions.event_time as first_time,
        move_sessions.last_time,
        move_sessions.score,
        cast(0 as bigint) as records
    from findings
    inner join move_sessions
        on
            findings.host = move_sessions.session_host
            and findings.logon_id = move_sessions.logon_id
    where
        coalesce(findings.analytic, '') <> 'lateral_movement'
        and findings.event_time >= move_sessions.event_time - interval '120' second
        and findings.event_time <= move_sessions.last_time + interval '120' second
),

tied as (
    select
        shared.finding_id,
        min(
            {
                'unshared': -shared.records,
                'apart': greatest(
                    0,
                    date_diff('microsecond', shared.event_time, shared.first_time),
                    date_diff('microsecond', shared.last_time, shared.event_time)
                ),
                'unsure': -shared.score,
                'movement': shared.movement
            }
        ) as nearest
    from shared
    group by shared.finding_id
),

children as (
    select
        parent.host,
        parent.process_id,
        parent.event_time,
        arg_min(
            { 'process_id': child.process_id, 'process_name': child.process_name },
            { 't': child.event_time, 'p': child.process_id, 'n': child.process_name }
        ) as child
    from findings as parent
    inner join findings as child
        on
            parent.host = child.host
            and parent.process_id = child.parent_process_id
            and parent.analytic = child.analytic
    where
        child.process_id > 0
        and child.event_time >= parent.event_time
        and child.event_time <= parent.event_time + interval '120' second
    group by parent.host, parent.process_id, parent.event_time
),

joined as (
    select
        findings.finding_id,
        findings.event_time,
        findings.host,
        coalesce(children.child.process_id, findings.process_id) as process_id,
        case when children.child is null then findings.process_name else children.child.process_name end as process_name,
        findings.user_name,
        findings.user_domain,
        coalesce(tied.nearest.movement, case when findings.analytic = 'lateral_movement' then findings.finding_id end) as movement
    from findings
    left join tied on findings.finding_id = tied.finding_id
    left join children
        on
            findings.host = children.host
            and findings.process_id = children.process_id
            and findings.event_time = children.event_time
            and tied.nearest.movement is null
),

neighbours as (
    select
        joined.finding_id,
        joined.event_time,
        joined.host,
        joined.process_id,
        joined.process_name,
        joined.user_name,
        joined.user_domain,
        joined.movement,
        max(case when joined.movement is not null then { 't': joined.event_time, 'm': joined.movement } end) over (
            partition by joined.host, joined.process_id, coalesce(joined.process_name, '')
            order by joined.event_time
            range between unbounded preceding and current row
        ) as earlier,
        min(case when joined.movement is not null then { 't': joined.event_time, 'm': joined.movement } end) over (
            partition by joined.host, joined.process_id, coalesce(joined.process_name, '')
            order by joined.event_time
            range between current row and unbounded following
        ) as later
    from joined
),

moved as (
    select
        neighbours.finding_id,
        neighbours.event_time,
        coalesce(neighbours.host, '') as host,
        case when neighbours.process_id > 0 then cast(neighbours.process_id as varchar) else '' end as process,
        case when neighbours.process_id > 0 then coalesce(neighbours.process_name, '') else '' end as image,
        case
            when neighbours.process_id > 0 then ''
            else coalesce(split_part(neighbours.user_domain, '.', 1), '') || '\' || coalesce(neighbours.user_name, '')
        end as person,
        case
            when neighbours.movement is not null then neighbours.movement
            when neighbours.process_id > 0 is not true then cast(null as varchar)
            when
                neighbours.later.t <= neighbours.event_time + interval '120' second
                and (
                    (neighbours.earlier.t >= neighbours.event_time - interval '120' second) is not true
                    or date_diff('microsecond', neighbours.event_time, neighbours.later.t)
                    < date_diff('microsecond', neighbours.earlier.t, neighbours.event_time)
                )
                then neighbours.later.m
            when neighbours.earlier.t >= neighbours.event_time - interval '120' second then neighbours.earlier.m
        end as movement
    from neighbours
),

stepped as (
    select
        moved.finding_id,
        moved.event_time,
        moved.host,
        moved.process,
        moved.image,
        moved.person,
        moved.movement,
        case
            when
                moved.event_time
                <= lag(moved.event_time) over (
                    partition by moved.movement is null, moved.host, moved.process, moved.image, moved.person
                    order by moved.event_time, moved.finding_id
                ) + interval '120' second
                then 0
            else 1
        end as begins
    from moved
),

numbered as (
    select
        stepped.finding_id,
        stepped.event_time,
        stepped.host,
        stepped.process,
        stepped.image,
        stepped.person,
        stepped.movement,
        cast(
            sum(stepped.begins) over (
                partition by stepped.movement is null, stepped.host, stepped.process, stepped.image, stepped.person
                order by stepped.event_time, stepped.finding_id
                rows between unbounded preceding and current row
            ) as bigint
        ) as chain_number
    from stepped
),

begun as (
    select
        numbered.finding_id,
        numbered.host,
        numbered.process,
        numbered.image,
        numbered.person,
        numbered.movement,
        min(numbered.event_time) over (
            partition by
                numbered.movement is null,
                numbered.host,
                numbered.process,
                numbered.image,
                numbered.person,
                numbered.chain_number
        ) as first_time
    from numbered
),

acts as (
    select
        begun.finding_id,
        coalesce(
            'move:' || split_part(begun.movement, ':', 2),
            case when begun.process = '' then 'user:' else 'process:' end
            || substr(
                sha256(
                    concat_ws(
                        '|',
                        begun.host,
                        begun.process,
                        begun.image,
                        begun.person,
                        cast(
                            date_diff('microsecond', cast('1970-01-01T00:00:00Z' as timestamptz), begun.first_time)
                            as varchar
                        )
                    )
                ),
                1,
                20
            )
        ) as act
    from begun
),

objects as (
    select
        findings.finding_id,
        findings.host,
        unnest(findings.objects) as thing
    from findings
),

split as (
    select
        objects.finding_id,
        objects.host,
        objects.thing.type as object_type,
        objects.thing.score,
        objects.thing.account_class,
        objects.thing.account_sid,
        lower(
            case
                when objects.thing.type = 'host' then objects.thing.name
                when contains(objects.thing.name, '\') then split_part(objects.thing.name, '\', 2)
                else objects.thing.name
            end
        ) as object_name,
        lower(
            case
                when objects.thing.type = 'host' then null
                when contains(objects.thing.name, '\') then split_part(objects.thing.name, '\', 1)
                else objects.thing.domain
            end
        ) as object_domain
    from objects
),

named as (
    select
        split.finding_id,
        split.object_type,
        split.score,
        case when split.object_type = 'host' then split.object_name else split_part(split.object_name, '@', 1) end as object_name,
        coalesce(
            nullif(nullif(split_part(split.object_domain, '.', 1), ''), '-'),
            nullif(split_part(split_part(split.object_name, '@', 2), '.', 1), ''),
            case when split.account_class = 'local' then split.host end
        ) as object_domain
    from split
    where
        coalesce(split.object_name, '') not in ('', '-', 'unknown')
        and (
            split.object_type = 'host'
            or (
                coalesce(split.account_class, '') not in ('none', 'self', 'machine', 'system')
                and not ends_with(split_part(coalesce(split.object_name, ''), '@', 1), '$')
                and not regexp_matches(
                    upper(coalesce(split.account_sid, '')), '^S-1-5-(7|18|19|20|(80|82|83|90|96|111)(-.*)?)$'
                )
                and (
                    split.account_class is not null
                    or not regexp_matches(
                        coalesce(split.object_domain, ''),
                        '^(nt[ -](aut|serv|inst|mynd|dienst|virt).*|(autor|service|servi[cz]io).* nt'
                        || '|window manager|font driver host|iis apppool|virtual users)$'
                    )
                )
            )
        )
),

placed as (
    select
        named.finding_id,
        acts.act,
        named.object_type,
        named.score,
        named.object_name,
        coalesce(
            named.object_domain,
            case
                when
                    min(named.object_domain) over (partition by acts.act, named.object_type, named.object_name)
                    = max(named.object_domain) over (partition by acts.act, named.object_type, named.object_name)
                    then max(named.object_domain) over (partition by acts.act, named.object_type, named.object_name)
            end
        ) as object_domain
    from named
    inner join acts on named.finding_id = acts.finding_id
),

at_risk as (
    select
        placed.finding_id,
        placed.act,
        placed.object_type as risk_object_type,
        coalesce(placed.object_domain || '\', '') || placed.object_name as risk_object,
        max(placed.score) as risk_score
    from placed
    group by
        placed.finding_id,
        placed.act,
        placed.object_type,
        coalesce(placed.object_domain || '\', '') || placed.object_name
),

final as (
    select
        at_risk.risk_object,
        at_risk.risk_object_type,
        findings.event_time,
        findings.last_time,
        findings.analytic,
        findings.version,
        findings.kind,
        findings.severity,
        at_risk.risk_score,
        row_number() over (
            partition by at_risk.act, at_risk.risk_object_type, at_risk.risk_object
            order by at_risk.risk_score desc, at_risk.finding_id asc
        ) = 1 as counts,
        findings.message,
        findings.techniques,
        findings.tactics,
        at_risk.act,
        findings.host,
        case
            when coalesce(findings.user_name, '') in ('', '-') then cast(null as varchar)
            when contains(findings.user_name, '\')
                then split_part(split_part(findings.user_name, '\', 1), '.', 1) || '\' || split_part(findings.user_name, '\', 2)
            when coalesce(split_part(findings.user_domain, '.', 1), '') in ('', '-') then findings.user_name
            else split_part(findings.user_domain, '.', 1) || '\' || findings.user_name
        end as user,
        findings.event_uids,
        findings.finding_id
    from at_risk
    inner join findings on at_risk.finding_id = findings.finding_id
)

select * from final
