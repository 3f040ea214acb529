"""Permanent WMI subscriptions: the one that every Windows comes with, and those that somebody makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wmiwarehouse.lab import events as ev
from wmiwarehouse.lab.model import MS
from wmiwarehouse.lab.staging import Part, label

if TYPE_CHECKING:
    from wmiwarehouse.lab.machine import Machine
    from wmiwarehouse.lab.world import Account

_NAMESPACE = "//./root/subscription"
_DEFAULT = (
    'Binding EventFilter: \ninstance of __EventFilter\n{\n\tName = "SCM Event Log Filter";\n\tQuery = "select * from '
    'MSFT_SCMEventLogEvent";\n\tQueryLanguage = "WQL";\n};\nPerm. Consumer: \ninstance of NTEventLogEventConsumer\n{\n'
    '\tName = "SCM Event Log Consumer";\n\tSourceName = "Service Control Manager";\n};\n'
)


def default(machine: Machine, at: int) -> None:
    """What WMI says at every start of the Service Control Manager's own subscription."""
    machine.emit(
        ev.WMI_5861, at,
        ("//./ROOT/Subscription", "SCM Event Log Filter", 'NTEventLogEventConsumer="SCM Event Log Consumer"', _DEFAULT),
        pid=machine.winmgmt.pid, user=machine.system.account,
        tags=label("wmi_activity", None) + label("wmi_subscription", None),
    )  # fmt: skip


def create(machine: Machine, at: int, author: Account, name: str, command: str, part: Part) -> None:
    """A filter, a consumer that starts a program, and their binding: Sysmon's three events, and what WMI says.

    The temporary subscription beside it is not permanent and is nothing to alarm about.
    """
    text, user = machine.text(at), author.user
    query = "SELECT * FROM __InstanceModificationEvent WITHIN 60 WHERE TargetInstance ISA 'Win32_LocalTime'"
    escaped = command.replace("\\", "\\\\").replace('"', '\\"')
    tags = label("wmi_activity", part) + label("wmi_subscription", part)
    head = (text, "Created", user)
    for number, (kind, texts) in enumerate((
        (ev.SYSMON_19, ("-", "WmiFilterEvent", *head, ' "root\\\\cimv2"', f' "{name}"', f' "{query}"')),
        (ev.SYSMON_20, ("-", "WmiConsumerEvent", *head, f' "{name}"', "Command Line", f' "{escaped}"')),
        (ev.SYSMON_21, ("-", "WmiBindingEvent", *head, f' "CommandLineEventConsumer.Name=\\"{name}\\""',
                        f' "__EventFilter.Name=\\"{name}\\""')),
    )):  # fmt: skip
        machine.sysmon(kind, at + 9 * number * MS, texts, tags=tags, part=part)
    pid = machine.winmgmt.pid
    cause = (
        f'Binding EventFilter: \ninstance of __EventFilter\n{{\n\tName = "{name}";\n\tQuery = "{query}";\n}};\n'
        f'Perm. Consumer: \ninstance of CommandLineEventConsumer\n{{\n\tCommandLineTemplate = "{escaped}";\n'
        f'\tName = "{name}";\n}};\n'
    )
    temporary = label("wmi_activity", part) + label("wmi_subscription", part, hit=False)
    for number, (kind, values, labels) in enumerate((
        (ev.WMI_5859, (_NAMESPACE, query, user, pid, "Unknown", 0, "Permanent"), tags),
        (ev.WMI_5860, ("root\\cimv2", query, user, pid, machine.spec.name, "Temporary"), temporary),
        (ev.WMI_5861, (_NAMESPACE, name, f'CommandLineEventConsumer="{name}"', cause), tags),
    )):  # fmt: skip
        machine.emit(
            kind, at + (25 + number) * MS, values, pid=pid, user=machine.system.account, tags=labels, part=part
        )
