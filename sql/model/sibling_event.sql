-- /// model
-- name = "sibling_event"
-- title = "What one kind of record says about another that is missing beside it"
-- requires = []
-- notes = [
--     "Kinds of one audit subcategory come together: where one was logged, the other would have been. Kinds of neighbouring subcategories do not, and Sysmon's and PowerShell's are each a matter of the configuration.",
--     "preference chooses among several siblings that were seen; the lowest says most. sibling_event_id is NULL where any record of the log will do.",
-- ]
-- ///
create or replace view sibling_event as
with final as (
    select
        listed.channel,
        listed.event_id,
        listed.sibling_event_id,
        listed.preference,
        listed.inference
    from (
        values
        (
            'Security', 1102, null, 1,
            'clearing the Security log always leaves a 1102 in it: none among the records that are here'
        ),
        (
            'Security', 1100, null, 1,
            'the end of the logging service always leaves a 1100 in the Security log: none among the records that are here'
        ),
        (
            'System', 104, null, 1,
            'clearing a log other than Security always leaves a 104 in the System log: none among the records that are here'
        ),
        (
            'Security', 4624, 4648, 1,
            'logons are audited here (4648 seen): a 4624 would probably have been logged'
        ),
        (
            'Security', 4624, 4672, 2,
            'special privileges of logons are audited here (4672 seen), logons (4624) are a setting of their own'
        ),
        (
            'Security', 4624, 4634, 3,
            'logoffs are audited here (4634 seen), logons (4624) are a setting of their own'
        ),
        (
            'Security', 4648, 4624, 1,
            'logons are audited here (4624 seen): a 4648 would probably have been logged'
        ),
        (
            'Security', 4672, 4624, 1,
            'logons are audited here (4624 seen), special privileges (4672) are a setting of their own'
        ),
        (
            'Security', 4674, 4673, 1,
            'use of privileges is audited here (4673 seen): a 4674 would probably have been logged'
        ),
        (
            'Security', 4688, 4689, 1,
            'process exits are audited here (4689 seen), process creation (4688) is a setting of its own'
        ),
        (
            'Security', 4769, 4768, 1,
            'logon tickets are audited here (4768 seen), service tickets (4769) are a setting of their own'
        ),
        (
            'Security', 5140, 5145, 1,
            'files on shares are audited here (5145 seen), shares (5140) are a setting of their own'
        ),
        (
            'Security', 5145, 5140, 1,
            'shares are audited here (5140 seen), files on them (5145) are a setting of their own'
        ),
        (
            'Security', 5156, 5158, 1,
            'the filtering platform is audited here (5158 seen): a 5156 would probably have been logged'
        ),
        (
            'Security', 5156, 5157, 2,
            'refused connections are audited here (5157 seen), permitted ones (5156) are a setting of their own'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 1, 5, 1,
            'Sysmon logs the end of processes here (5 seen) but no start: filtered or not collected'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 1, 3, 2,
            'Sysmon logs connections here (3 seen) but no processes: filtered or not collected'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 1, 12, 3,
            'Sysmon logs the registry here (12 seen) but no processes: filtered or not collected'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 3, 1, 1,
            'Sysmon logs processes here (1 seen) but no connections: filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 12, 13, 1,
            'Sysmon logs registry values here (13 seen) but no keys (12): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 12, 1, 2,
            'Sysmon logs processes here (1 seen) but no registry keys (12): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 13, 12, 1,
            'Sysmon logs registry keys here (12 seen) but no values (13): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 13, 1, 2,
            'Sysmon logs processes here (1 seen) but no registry values (13): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 19, 1, 1,
            'Sysmon logs processes here (1 seen) but no WMI event filters (19): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 20, 1, 1,
            'Sysmon logs processes here (1 seen) but no WMI event consumers (20): filtered or none'
        ),
        (
            'Microsoft-Windows-Sysmon/Operational', 21, 1, 1,
            'Sysmon logs processes here (1 seen) but no WMI event bindings (21): filtered or none'
        ),
        (
            'Microsoft-Windows-PowerShell/Operational', 4103, 4104, 1,
            'PowerShell logs scripts here (4104 seen), the commands in them (4103) are a setting of their own'
        ),
        (
            'Microsoft-Windows-PowerShell/Operational', 4104, 4103, 1,
            'PowerShell logs commands here (4103 seen), scripts (4104) are a setting of their own'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5857, 5858, 1,
            'the WMI-Activity log is here (5858 seen): a 5857 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5858, 5857, 1,
            'the WMI-Activity log is here (5857 seen): a 5858 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5859, 5857, 1,
            'the WMI-Activity log is here (5857 seen): a 5859 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5860, 5857, 1,
            'the WMI-Activity log is here (5857 seen): a 5860 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5861, 5857, 1,
            'the WMI-Activity log is here (5857 seen): a 5861 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5859, 5858, 2,
            'the WMI-Activity log is here (5858 seen): a 5859 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5860, 5858, 2,
            'the WMI-Activity log is here (5858 seen): a 5860 would probably have been logged'
        ),
        (
            'Microsoft-Windows-WMI-Activity/Operational', 5861, 5858, 2,
            'the WMI-Activity log is here (5858 seen): a 5861 would probably have been logged'
        )
    ) as listed (channel, event_id, sibling_event_id, preference, inference)
)

select * from final
