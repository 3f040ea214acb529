-- /// analytic
-- id = "chain_explicit_credentials_to_logon"
-- version = 1
-- title = "Credentials given for a host tied to the network logon there"
-- description = "A 4648 that names another host as its server, and a network logon of the same user name there within -5 to +120 seconds: one row for each source process, server and user."
-- kind = "chain"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "source_host", "target_host"]
-- key = ["source_host", "source_process_name", "source_process_id", "target_host", "user_name", "event_time"]
-- severity = "medium"
-- implements = [
--     { document = "thp-t1028-wmic-remote", item = "Source Host: WinEvent 4648, SubjectAccountName and TargetUserName", note = "Tied to what it led to on the destination." },
-- ]
-- requires = [
--     { channel = "Security", event_id = 4648, columns = ["target_server", "target_name"] },
--     { channel = "Security", event_id = 4624, columns = ["user_name"] },
-- ]
-- impact = 50
-- confidence = 40
-- risk_score = 20
-- message = "$source_user_name on $source_host used the credentials of $user_name on $target_host"
-- risk_objects = [
--     { field = "source_host", type = "system" },
--     { field = "target_host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "Administrators with a second account; services and scheduled tasks that log on elsewhere.",
-- ]
-- considerations = [
--     "Names only: the 4648 bears NetBIOS names on one side and DNS names on the other.",
-- ]
-- artifacts = [
--     "Security 4648 on the source host, 4624 on the target",
-- ]
-- response = [
--     "Take source_process_id to the process creation of the source host.",
-- ]
-- attack = [
--     { technique = "T1047", name = "Windows Management Instrumentation", tactics = ["TA0002 Execution"] },
-- ]
-- hypothesis = "Adversaries use WMI to run commands on other computers of the network."
-- platforms = ["Windows"]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "The server is taken by its short name, without the service of a principal name and without a dollar sign.",
-- ]
-- ///
create or replace view hunt.chain_explicit_credentials_to_logon_v1 as
with pairs as (
    select
        credential_logon.credential_time,
        credential_logon.source_host,
        credential_logon.source_user_name,
        credential_logon.source_user_domain,
        credential_logon.source_process_name,
        credential_logon.source_process_id,
        credential_logon.target_server,
        credential_logon.target_host,
        credential_logon.user_key,
        credential_logon.user_name,
        credential_logon.user_domain,
        credential_logon.logon_id,
        credential_logon.logon_time,
        credential_logon.source_ip,
        credential_logon.clock_skew_seconds,
        credential_logon.credential_uid,
        credential_logon.session_uid,
        credential_logon.source_record,
        credential_logon.target_record,
        lag(credential_logon.credential_time) over (
            partition by
                credential_logon.source_host,
                coalesce(cast(credential_logon.source_process_id as varchar), ''),
                coalesce(credential_logon.source_process_name, ''),
                credential_logon.target_host,
                credential_logon.user_key
            order by credential_logon.credential_time, credential_logon.credential_uid, credential_logon.session_uid
        ) as previous_time
    from credential_logon
),

numbered as (
    select
        pairs.credential_time,
        pairs.source_host,
        pairs.source_user_name,
        pairs.source_user_domain,
        pairs.source_process_name,
        pairs.source_process_id,
        pairs.target_server,
        pairs.target_host,
        pairs.user_key,
        pairs.user_name,
        pairs.user_domain,
        pairs.logon_id,
        pairs.logon_time,
        pairs.source_ip,
        pairs.clock_skew_seconds,
        pairs.source_record,
        pairs.target_record,
        cast(
            sum(case when pairs.credential_time <= pairs.previous_time + interval '120' second then 0 else 1 end) over (
                partition by
                    pairs.source_host,
                    coalesce(cast(pairs.source_process_id as varchar), ''),
                    coalesce(pairs.source_process_name, ''),
                    pairs.target_host,
                    pairs.user_key
                order by pairs.credential_time, pairs.credential_uid, pairs.session_uid
                rows between unbounded preceding and current row
            ) as bigint
        ) as act_number
    from pairs
),

final as (
    select
        min(numbered.credential_time) as event_time,
        numbered.source_host,
        numbered.target_host,
        min(numbered.target_server) as target_server,
        min(numbered.source_user_name) as source_user_name,
        min(numbered.source_user_domain) as source_user_domain,
        numbered.source_process_name,
        numbered.source_process_id,
        min(numbered.user_name) as user_name,
        min(numbered.user_domain) as user_domain,
        count(distinct numbered.logon_id) as logons,
        list_sort(list(distinct numbered.logon_id)) as logon_ids,
        min(numbered.logon_time) as first_logon,
        max(numbered.logon_time) as last_logon,
        min(numbered.source_ip) as source_ip,
        min(numbered.clock_skew_seconds) as clock_skew_seconds,
        list_sort(list(distinct numbered.source_record)) as source_evidence,
        list_sort(list(distinct numbered.target_record)) as target_evidence
    from numbered
    group by
        numbered.source_host,
        numbered.target_host,
        numbered.source_process_name,
        numbered.source_process_id,
        numbered.user_key,
        numbered.act_number
)

select * from final
