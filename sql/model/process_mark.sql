-- /// model
-- name = "process_mark"
-- title = "What begins and ends the life of a process: new processes, Security 4689, boots"
-- requires = ["process_life", "host_boot"]
-- whole = true
-- notes = [
--     "life_key names the life that a mark is about: Sysmon's process GUID, the process id in Security's records, 'boot' for a boot, which ends every process id of its host.",
--     "mark_order orders marks of one instant: in exports that are cut to seconds the record id says which came first.",
--     "A record without a process id or GUID has no life_key and so is nobody's parent.",
-- ]
-- ///
create or replace view process_mark as
with final as (
    select
        process_life.event_uid,
        process_life.host,
        process_life.event_time,
        process_life.event_date,
        process_life.mark,
        process_life.mark_order,
        process_life.life_key,
        process_life.parent_life_key,
        process_life.process_path,
        process_life.process_name,
        process_life.command_line,
        process_life.user_name,
        process_life.user_domain,
        process_life.hashes,
        process_life.parent_process_name
    from process_life
    union all
    select
        host_boot.event_uid,
        host_boot.host,
        host_boot.event_time,
        cast(host_boot.event_time as date) as event_date,
        'boot' as mark,
        -1 as mark_order,
        'boot' as life_key,
        cast(null as varchar) as parent_life_key,
        cast(null as varchar) as process_path,
        cast(null as varchar) as process_name,
        cast(null as varchar) as command_line,
        cast(null as varchar) as user_name,
        cast(null as varchar) as user_domain,
        cast(null as varchar) as "hashes",
        cast(null as varchar) as parent_process_name
    from host_boot
)

select * from final
