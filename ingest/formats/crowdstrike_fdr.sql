-- /// format
-- name = "crowdstrike_fdr"
-- title = "CrowdStrike Falcon Data Replicator"
-- reader = "json"
-- keys = [["event_simpleName", "#event_simpleName"], ["aid"]]
-- docs = ["https://github.com/CrowdStrike/FDR"]
-- carries = "process creations, without the parent's path, process id and command line and without Windows' record ids; other kinds of events are kept as records"
-- ///
-- Every value is text. Each kind of event is a channel of its own; a process that ran before the sensor did is a process
-- creation as well. ComputerName is often missing: then the sensor's id stands for the host.
select
    coalesce(nullif(record ->> '$.ComputerName', ''), record ->> '$.aid') as computer,
    cast(null as varchar) as provider,
    'crowdstrike/' || replace(
        coalesce(record ->> '$.event_simpleName', record ->> '$."#event_simpleName"'), 'SyntheticProcessRollup2', 'ProcessRollup2'
    ) as channel,
    cast(null as integer) as event_id,
    cast(null as integer) as version,
    cast(null as bigint) as record_id,
    record ->> '$.name' as task,
    cast(null as integer) as level,
    cast(null as integer) as opcode,
    cast(null as varchar) as keywords,
    -- Seconds since 1970 with a fraction; the time of arrival is in milliseconds.
    coalesce(
        unix_time(record ->> '$.ProcessStartTime'),
        unix_time(record ->> '$.ContextTimeStamp'),
        unix_time(record ->> '$.timestamp'),
        try_cast(record ->> '$.timestamp' as timestamptz)
    ) as event_time,
    'logged' as time_source,
    cast(null as bigint) as execution_process_id,
    cast(null as bigint) as execution_thread_id,
    cast(null as varchar) as activity_id,
    cast(null as varchar) as related_activity_id,
    cast(null as varchar) as system_user_sid,
    record as event_data
from records
