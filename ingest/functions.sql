-- The small functions that the files in formats/ and events/ share. They run at ingest only, on DuckDB; the views in
-- sql/ never use them, because they must also run on Spark.

-- Last part of a Windows or device path, lower case: 'C:\Windows\CMD.exe' -> 'cmd.exe'.
create or replace macro base_name(path) as
    nullif(lower(parse_filename(path)), '');

-- Logon ids are written 0x3e7, 0X33946D, zero padded or decimal: always lower-case hex without leading zeros.
create or replace macro logon_id(value) as
    case
        when starts_with(value, '0x') and value[3] not in ('0', '') then lower(value)
        when starts_with(lower(value), '0x') and length(value) > 2 then '0x' || coalesce(nullif(ltrim(lower(value[3:]), '0'), ''), '0')
        else '0x' || lower(to_hex(try_cast(value as ubigint)))
    end;

-- Process ids are hex text in Security records and numbers in Sysmon's; DuckDB's cast reads both.
create or replace macro process_number(value) as try_cast(value as bigint);

-- GUIDs come with and without braces, in either case.
create or replace macro guid(value) as
    nullif(
        case when contains(value, '{') or contains(value, '}') then lower(trim(value, '{}')) else lower(value) end, ''
    );

-- 'DOMAIN\name' as Sysmon writes an account.
create or replace macro account_name(value) as
    case when contains(value, '\') then value[position('\' in value) + 1:] else value end;
create or replace macro account_domain(value) as
    case when contains(value, '\') then value[:position('\' in value) - 1] end;

-- Host name for joins: short, lower case, up to the first dot; an address is never cut.
create or replace macro host_name(computer) as
    nullif(lower(regexp_extract(computer, '^(?:[0-9.]+$|[^:]*:(?s:.*)|[^.]*)')), '');

-- Addresses. A macro's argument is copied to wherever it stands, and a lambda is set up anew for every 2,048 records: what
-- is used more than once is a column of its own in the files that call these, or else short.
create or replace macro is_ipv4(value) as
    regexp_full_match(value, '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}');
create or replace macro ipv4_key(value) as
    list_transform(
        [cast(string_split(value, '.') as bigint[])],
        lambda octets: '00000000000000000000ffff'
            || lower(lpad(to_hex(octets[1] * 16777216 + octets[2] * 65536 + octets[3] * 256 + octets[4]), 8, '0'))
    )[1];

create or replace macro is_ipv6(value) as
    regexp_full_match(
        value,
        '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?::(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?'
    );
-- Groups without what is between them, four digits each: 'fe80:1' -> 'fe800001'.
create or replace macro ipv6_digits(groups) as
    regexp_replace(regexp_replace(groups, '([0-9a-f]+)', '000\1', 'g'), '[0-9a-f]*([0-9a-f]{4})(:|$)', '\1', 'g');
create or replace macro ipv6_key(left_digits, right_digits, is_short) as
    case
        when not is_short then left_digits
        when length(left_digits) + length(right_digits) <= 28
            then left_digits || repeat('0', 32 - length(left_digits) - length(right_digits)) || right_digits
    end;
-- '::ffff:10.1.2.3' -> '::ffff:0a01:0203'
create or replace macro without_ipv4_tail(value, tail) as
    case
        when contains(value, '.') and is_ipv4(tail)
            then left(value, length(value) - length(tail))
            || substr(ipv4_key(tail), 25, 4) || ':' || substr(ipv4_key(tail), 29, 4)
        else value
    end;

-- 32 hex digits of an address, IPv4 as IPv4-mapped IPv6, so that a network is a range of text on every engine; zone
-- ids (%4, %%4) are cut; NULL for what is no address.
create or replace macro ip_key(value) as
    case
        when is_ipv4(value) then ipv4_key(value)
        when contains(value, ':')
            then list_transform(
                [without_ipv4_tail(lower(split_part(value, '%', 1)), lower(split_part(split_part(value, '%', 1), ':', -1)))],
                lambda a: if(
                    is_ipv6(a),
                    ipv6_key(ipv6_digits(split_part(a, '::', 1)), ipv6_digits(split_part(a, '::', 2)), contains(a, '::')),
                    null
                )
            )[1]
    end;

-- Text of a key after RFC 5952: the longest run of zero groups, the first of equals, becomes '::'. Each replacement
-- fits only where none before it did, for none of them knows two colons in a row.
create or replace macro ip_squeeze(groups, zeros) as
    regexp_replace(groups, '^((?::[0-9a-f]+)*?)(?::0){' || zeros || '}((?::[0-9a-f]+)*)$', '\1:\2');
create or replace macro ipv6_text(key) as
    regexp_replace(
        regexp_replace(
            ip_squeeze(ip_squeeze(ip_squeeze(ip_squeeze(ip_squeeze(ip_squeeze(ip_squeeze(
                regexp_replace(regexp_replace(key, '([0-9a-f]{4})', ':\1', 'g'), ':0{1,3}([0-9a-f])', ':\1', 'g'),
                '8'), '7'), '6'), '5'), '4'), '3'), '2'),
            '^:([^:])', '\1'
        ),
        '(^|[^:]):$', '\1::'
    );
create or replace macro ip_key_text(key) as
    case
        when starts_with(key, '00000000000000000000ffff')
            then concat_ws(
                '.',
                cast('0x' || substr(key, 25, 2) as integer),
                cast('0x' || substr(key, 27, 2) as integer),
                cast('0x' || substr(key, 29, 2) as integer),
                cast('0x' || substr(key, 31, 2) as integer)
            )
        else ipv6_text(key)
    end;

-- Canonical text of an address with its key; what is no address stays as logged.
create or replace macro ip_text(value, key) as
    case when contains(value, ':') and key is not null then ip_key_text(key) else value end;

-- Sysmon's own clock reading: UTC text without a zone, '2020-09-14 12:06:01.826'. Shippers that rewrite times add one,
-- which a cast to a plain timestamp would drop without a word.
create or replace macro utc_text(value) as
    if(
        try_cast(value as timestamptz) between timestamptz '0002-01-01 00:00:00+00' and timestamptz '9998-12-31 00:00:00+00',
        try_cast(value as timestamptz),
        null
    );

-- Does the text of a time carry its zone ('Z', 'UTC', '+02:00', '-0400', with or without a space before it)?
create or replace macro has_zone(value) as
    regexp_matches(value, '[0-9] ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$');

-- That time; NULL for a text without a zone. A cast knows no space before an offset.
create or replace macro zoned_time(value) as
    case
        when has_zone(value)
            then try_cast(
                replace(replace(replace(replace(value, ' +', '+'), ' -', '-'), ' Z', 'Z'), 'GMT', 'UTC') as timestamptz
            )
    end;

-- A local time in UTC: by the name of its zone if the user gave one, else by the offset (clock.offset_seconds,
-- clock.zone). Of an hour that the end of summer time repeats the second is taken.
create or replace macro local_to_utc(local_time, offset_seconds, zone) as
    case
        when not local_time between timestamp '0002-01-02' and timestamp '9998-12-30' then null
        when zone is null then timezone('UTC', local_time - to_seconds(coalesce(offset_seconds, 0)))
        else timezone(zone, local_time)
    end;

-- The unnamed strings of a classic event, which the evtx package gives as a list: one text, a line break between them.
create or replace macro strings_text(value) as
    coalesce(
        array_to_string(try_cast(json_extract(try_cast(value as json), '$."#text"') as varchar[]), chr(10)), value
    );

-- Winlogbeat's words: of levels ('information' is 0 as well as 4), of keywords, and of strings without names.
create or replace macro level_of(word) as
    case lower(word) when 'critical' then 1 when 'error' then 2 when 'warning' then 3 when 'verbose' then 5 end;
create or replace macro audit_keywords(words) as
    case
        when contains(lower(words), 'audit success') then '0x8020000000000000'
        when contains(lower(words), 'audit failure') then '0x8010000000000000'
    end;
create or replace macro param_strings(data) as
    nullif(concat_ws(chr(10), data ->> '$.param1', data ->> '$.param2', data ->> '$.param3'), '');

create or replace macro is_sysmon(provider) as coalesce(provider = 'Microsoft-Windows-Sysmon', false);

-- One 'Name = value' of a WMI-Activity message.
create or replace macro wmi_message(message, name) as
    nullif(regexp_extract(message, '(?:^|[.;] )' || name || ' = ([^;]*)', 1), '');

-- A value that some exports give as an object around it: {"Value": 4, "Name": "Information"}.
create or replace macro plain_value(value) as
    case
        when not regexp_matches(value, '^[{\[]') then value
        when starts_with(value, '{') and json_valid(value)
            then coalesce(
                json_extract_string(value, '$.Value'),
                json_extract_string(value, '$.value'),
                json_extract_string(value, '$.text'),
                json_extract_string(value, '$."#text"')
            )
    end;

-- The Data of an event as its data, from a list of {name, value}: a name that stands twice keeps its values as a list,
-- and what has no name is in Data. Text of JSON; the values are JSON.
create or replace macro items_data(items) as
    json_merge_patch(
        '{'
        || array_to_string(
            if(
                len(list_distinct(list_transform(items, lambda item: item.name))) = len(items),
                list_transform(
                    list_filter(items, lambda item: item.name is not null),
                    lambda item: cast(to_json(item.name) as varchar) || ':' || item.value
                ),
                list_transform(
                    list_distinct(list_transform(items, lambda item: item.name)),
                    lambda name: list_transform(
                        [list_filter(items, lambda item: item.name = name)],
                        lambda same: cast(to_json(name) as varchar) || ':' || if(
                            len(same) = 1,
                            same[1].value,
                            '['
                            || array_to_string(list_transform(same, lambda item: item.value), ',')
                            || ']'
                        )
                    )[1]
                )
            ),
            ','
        )
        || '}',
        if(
            list_contains(list_transform(items, lambda item: item.name is null), true),
            '{"Data": {"#text": ['
            || array_to_string(
                list_transform(list_filter(items, lambda item: item.name is null), lambda item: item.value), ','
            )
            || ']}}',
            '{}'
        )
    );

-- Such a list from the JSON of Data: one or several texts, or objects of a Name and a value.
create or replace macro object_items(data) as
    list_transform(
        case json_type(data) when 'ARRAY' then try_cast(data as json[]) when 'NULL' then [] else [data] end,
        lambda item: {
            'name': json_extract_string(item, '$.Name'),
            'value': coalesce(
                json_extract(item, '$.text'),
                json_extract(item, '$.Value'),
                json_extract(item, '$.value'),
                json_extract(item, '$."#text"'),
                if(json_extract(item, '$.Name') is null, coalesce(item, 'null'), '""')
            )
        }
    );
