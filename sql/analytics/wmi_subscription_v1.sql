-- /// analytic
-- id = "wmi_subscription"
-- version = 1
-- title = "Permanent WMI subscription, and the session of whoever made it"
-- description = "A permanent event filter, consumer or binding was made or changed: WMI will run something whenever a query comes true, also after a restart. Beside it stands the logon session that its creator had open, which names the address of a remote one."
-- kind = "detection"
-- side = "both"
-- filters = "rows"
-- order_by = ["event_time", "event_uid"]
-- severity = "medium"
-- implements = [
--     { document = "hunt-report-wmi-lateral-movement", item = "Description: WMI serves many tactics, locally and on remote systems", note = "The document's queries see processes only; a subscription made over the network starts none of the caller's." },
-- ]
-- requires = [
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 19, columns = ["wmi_filter", "user_name"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 20, columns = ["wmi_consumer", "user_name"] },
--     { channel = "Microsoft-Windows-Sysmon/Operational", event_id = 21, columns = ["wmi_consumer", "user_name"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5859, columns = ["wmi_query"] },
--     { channel = "Microsoft-Windows-WMI-Activity/Operational", event_id = 5861, columns = ["wmi_consumer"] },
-- ]
-- impact = 70
-- confidence = 30
-- risk_score = 21
-- message = "$operation_kind $wmi_consumer $wmi_filter on $host by $user_name from $creator_source_ip"
-- risk_objects = [
--     { field = "host", type = "system" },
--     { field = "user_name", type = "user" },
-- ]
-- false_positive_rate = "medium"
-- false_positives = [
--     "What Windows and older versions of it bring along; is_known_default marks it. Windows writes a 5859 and a 5861 for it after each start.",
--     "Management and monitoring agents that subscribe permanently, such as those of servers' hardware or of software inventory.",
-- ]
-- considerations = [
--     "CommandLineEventConsumer and ActiveScriptEventConsumer run something; the other consumers write to a log or send mail.",
--     "is_known_default is a mark and hides nothing: names are easily borrowed, so it also asks for the harmless kind of consumer, the query or the script that belong to the name.",
--     "is_remote_creator: the creator's session was a network logon from another address. Where several sessions of the account were open, creator_sessions says how many and creator_source_ips names all addresses.",
--     "One subscription is up to five rows: Sysmon writes filter, consumer and binding apart, WMI itself the filter and the binding.",
-- ]
-- artifacts = ["Objects in root\\subscription: __EventFilter, a consumer, __FilterToConsumerBinding", "A 5857 of the consumer's provider whenever it fires"]
-- response = [
--     "Read script_text and wmi_query: what runs, and when.",
--     "Follow creator_logon_id (wmiwh session HOST LOGON_ID) and creator_source_ip to the machine that it came from.",
--     "Look for children of WmiPrvSE.exe and of scrcons.exe on this host after that time.",
--     "Keep the three objects before removing them.",
-- ]
-- attack = [
--     { technique = "T1546.003", name = "Event Triggered Execution: Windows Management Instrumentation Event Subscription", tactics = ["TA0003 Persistence", "TA0004 Privilege Escalation"] },
-- ]
-- platforms = ["Windows"]
-- hypothesis = "Adversaries will try to reach other systems by way of Windows Management Instrumentation."
-- data_sources = [
--     { name = "Sysmon 19, 20 and 21, WMI filter, consumer and binding", platform = "Windows", attack_data_source = "WMI" },
--     { name = "WMI-Activity 5859 and 5861, permanent subscriptions", platform = "Windows" },
--     { name = "Security 4624, an account was successfully logged on", platform = "Windows", attack_data_source = "Authentication logs" },
-- ]
-- references = [
--     { title = "ATT&CK T1047", url = "https://attack.mitre.org/techniques/T1047/" },
--     { title = "ATT&CK T1546.003, WMI event subscription", url = "https://attack.mitre.org/techniques/T1546/003/" },
--     { title = "Microsoft: Receiving events at all times", url = "https://learn.microsoft.com/windows/win32/wmisdk/receiving-events-at-all-times" },
-- ]
-- version_history = [
--     { version = "1", of = "view", notes = "First version." },
-- ]
-- notes = [
--     "Deleted objects and temporary subscriptions (5860, a 5859 whose cause is not Permanent) are no hits; wmi_activity has them.",
--     "A 5861 names no session and no user, only its creator's SID: user_name is then that of the session that was found.",
--     "The creator's session: a logon of that account (by SID, or by name and the first label of the domain) on that host within 24 hours before, not ended by then. The nearest one counts; of those within 5 seconds before the nearest one that names an address, because one WMI connection makes several logons and only some of them have it.",
--     "A session is not proof: another process of the same account may have made the subscription. The system's own sessions are never named.",
-- ]
-- ///
create or replace view hunt.wmi_subscription_v1 as
with subscriptions as (
    select
        wmi.event_time,
        wmi.host,
        wmi.event_uid,
        wmi.operation_kind,
        wmi.operation_action,
        wmi.user_name,
        wmi.user_domain,
        wmi.user_sid,
        wmi.user_class,
        wmi.wmi_namespace,
        wmi.wmi_consumer,
        wmi.consumer_type,
        wmi.script_text,
        wmi.wmi_filter,
        wmi.wmi_query,
        case
            when wmi.operation_kind in ('filter', 'permanent_subscription')
                then coalesce(lower(trim(wmi.wmi_query)) = 'select * from msft_scmeventlogevent', false)
            else
                coalesce(
                    lower(wmi.wmi_consumer) = 'scm event log consumer'
                    and lower(wmi.consumer_type) = 'nteventlogeventconsumer',
                    false
                )
                or coalesce(
                    lower(wmi.wmi_consumer) = 'bvtconsumer' and contains(lower(wmi.script_text), 'kerncap.vbs'),
                    false
                )
                or coalesce(
                    lower(wmi.wmi_consumer) in ('tslogonevents.vbs', 'raevent.vbs')
                    and contains(lower(wmi.script_text), lower(wmi.wmi_consumer)),
                    false
                )
        end as is_known_default,
        wmi.channel,
        wmi.event_id,
        wmi.record_id,
        wmi.source_file,
        wmi.source_record,
        -- A time that was cut to seconds stands for that whole second.
        case
            when date_trunc('second', wmi.event_time) = wmi.event_time
                then wmi.event_time + interval '999999' microsecond
            else wmi.event_time
        end as latest_time
    from wmi_event as wmi
    where
        wmi.operation_kind in ('filter', 'consumer', 'binding', 'permanent_subscription')
        and lower(coalesce(wmi.operation_action, '')) <> 'deleted'
),

open_sessions as (
    select
        subscriptions.event_uid,
        subscriptions.host,
        logon_session.logon_id,
        logon_session.logon_type,
        logon_session.user_name,
        logon_session.user_domain,
        logon_session.start_time,
        logon_session.source_ip,
        logon_session.source_ip_key,
        logon_session.source_port,
        logon_session.workstation,
        logon_session.event_uid as session_uid,
        coalesce(logon_session.record_id, 0) as record_id,
        logon_session.source_scope in ('internal', 'external') as has_address,
        coalesce(logon_session.is_self, false) as is_self
    from subscriptions
    inner join logon_session
        on
            subscriptions.host = logon_session.host
            and subscriptions.latest_time >= logon_session.start_time
            and subscriptions.event_time <= logon_session.start_time + interval '24' hour
            and (logon_session.covers_until is null or subscriptions.event_time < logon_session.covers_until)
            and (
                subscriptions.user_sid = logon_session.user_sid
                or (
                    coalesce(subscriptions.user_name, '') not in ('', '-')
                    and lower(subscriptions.user_name) = lower(logon_session.user_name)
                    and split_part(lower(coalesce(subscriptions.user_domain, '')), '.', 1)
                    = split_part(lower(coalesce(logon_session.user_domain, '')), '.', 1)
                )
            )
),

nearest as (
    select
        open_sessions.event_uid,
        open_sessions.host,
        max(open_sessions.start_time) as start_time,
        count(*) as sessions,
        nullif(
            array_to_string(
                list_sort(list(distinct case when open_sessions.has_address then open_sessions.source_ip end)), ', '
            ),
            ''
        ) as source_ips
    from open_sessions
    group by open_sessions.event_uid, open_sessions.host
),

ranked as (
    select
        open_sessions.event_uid,
        open_sessions.host,
        open_sessions.logon_id,
        open_sessions.logon_type,
        open_sessions.user_name,
        open_sessions.user_domain,
        open_sessions.start_time,
        open_sessions.source_ip,
        open_sessions.source_ip_key,
        open_sessions.source_port,
        open_sessions.workstation,
        open_sessions.has_address,
        open_sessions.is_self,
        nearest.sessions,
        nearest.source_ips,
        row_number() over (
            partition by open_sessions.host, open_sessions.event_uid
            order by
                case
                    when
                        open_sessions.has_address
                        and open_sessions.start_time >= nearest.start_time - interval '5' second
                        then 0
                    else 1
                end asc,
                open_sessions.start_time desc,
                open_sessions.record_id desc,
                open_sessions.session_uid asc
        ) as place
    from open_sessions
    inner join nearest
        on
            open_sessions.event_uid = nearest.event_uid
            and open_sessions.host = nearest.host
),

creators as (
    select
        ranked.event_uid,
        ranked.host,
        ranked.logon_id,
        ranked.logon_type,
        ranked.user_name,
        ranked.user_domain,
        ranked.start_time,
        ranked.source_ip,
        ranked.source_port,
        ranked.workstation,
        ranked.sessions,
        ranked.source_ips,
        ranked.logon_type = 3
        and ranked.has_address
        and not coalesce(ranked.is_self, false)
        and not coalesce(bool_or(host_address.host is not null), false) as is_remote
    from ranked
    left join host_address
        on
            ranked.host = host_address.host
            and ranked.source_ip_key = host_address.ip_key
            and ranked.start_time >= host_address.first_time - interval '24' hour
            and ranked.start_time <= host_address.last_time + interval '24' hour
    where ranked.place = 1
    group by
        ranked.event_uid,
        ranked.host,
        ranked.logon_id,
        ranked.logon_type,
        ranked.user_name,
        ranked.user_domain,
        ranked.start_time,
        ranked.source_ip,
        ranked.source_port,
        ranked.workstation,
        ranked.sessions,
        ranked.source_ips,
        ranked.has_address,
        ranked.is_self
),

final as (
    select
        subscriptions.event_time,
        subscriptions.host,
        subscriptions.event_uid,
        subscriptions.operation_kind,
        subscriptions.operation_action,
        coalesce(nullif(subscriptions.user_name, ''), creators.user_name) as user_name,
        coalesce(
            case when coalesce(subscriptions.user_name, '') <> '' then subscriptions.user_domain end, creators.user_domain
        ) as user_domain,
        subscriptions.user_sid,
        subscriptions.wmi_consumer,
        subscriptions.consumer_type,
        subscriptions.script_text,
        subscriptions.wmi_filter,
        subscriptions.wmi_query,
        subscriptions.wmi_namespace,
        subscriptions.is_known_default,
        creators.logon_id as creator_logon_id,
        creators.logon_type as creator_logon_type,
        creators.start_time as creator_logon_time,
        creators.source_ip as creator_source_ip,
        creators.source_port as creator_source_port,
        creators.workstation as creator_workstation,
        creators.is_remote as is_remote_creator,
        coalesce(creators.sessions, 0) as creator_sessions,
        creators.source_ips as creator_source_ips,
        subscriptions.channel,
        subscriptions.event_id,
        subscriptions.record_id,
        subscriptions.source_file,
        subscriptions.source_record
    from subscriptions
    left join creators
        on
            subscriptions.event_uid = creators.event_uid
            and subscriptions.host = creators.host
)

select * from final
