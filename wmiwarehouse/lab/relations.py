"""What of one act on one target belongs together, by what the scenario knows: never by what the logs let one infer."""

from __future__ import annotations

from typing import NamedTuple

from wmiwarehouse.lab.act import Act, Route
from wmiwarehouse.lab.ledger import Entry, Ledger
from wmiwarehouse.lab.machine import Machine
from wmiwarehouse.lab.model import to_datetime
from wmiwarehouse.lab.staging import Trait
from wmiwarehouse.lab.world import BY_KEY, UNSEEN_HOSTS, Account, HostSpec, Sysmon, host_label


class Relations(NamedTuple):
    """The entries of the ledger in which the records of one target stand."""

    ledger: Ledger
    number: int
    label: str
    tie: Entry | None = None
    command: Entry | None = None
    credentials: Entry | None = None

    @classmethod
    def of(
        cls, ledger: Ledger, number: int, act: Act, source: Machine | None, name: str, user: Account, at: int
    ) -> Relations:
        """Open the entries; which records stand in them turns out as the act is played."""
        verdict = act.verdict.value
        relations = cls(ledger, number, verdict)
        target = BY_KEY.get(name)
        to = host_label(target.fqdn) if target else name.lower()
        if source is None:
            if act.as_user and not act.unlogged and target and shows_session(target):
                kinds = ["child", "privileges"]
                _edge(ledger, number, act, at, act.address, to, user, kinds, is_half=True)
            return relations
        here = host_label(source.host)
        if target is None or target is not source.spec:
            kinds = _kinds(act, source.spec, target)
            _edge(ledger, number, act, at, here, to, user, kinds, is_half=name in UNSEEN_HOSTS)
        if target is None:
            return relations
        about = {"source": here, "target": to, "label": verdict, "act": number}
        if target is not source.spec and not _hidden(act, source.spec):
            relations = relations._replace(tie=ledger.open("ties", user=user.user, **about))
        if act.command_seen and act.child:
            relations = relations._replace(command=ledger.open("commands", command=act.child[1], **about))
        if act.as_user:
            relations = relations._replace(credentials=ledger.open("credentials", user=user.user, **about))
        return relations

    def session(self, logon_id: int, target: Machine, user: Account, address: str | None) -> Entry:
        """A session of this act; it is one to report if a process runs in it."""
        return self.ledger.open(
            "sessions", host=host_label(target.host), logon_id=hex(logon_id), user=user.user,
            source_ip=address, label=self.label, act=self.number,
        )  # fmt: skip


def _edge(
    ledger: Ledger,
    number: int,
    act: Act,
    at: int,
    source: str,
    target: str,
    user: Account,
    kinds: list[str],
    *,
    is_half: bool,
) -> None:
    created = act.child is not None or act.command_seen
    vehicle = "wsmprovhost" if act.by_winrm else "wmiprvse" if created else "other"
    ledger.open(
        "edges", source=source, target=target, user=user.user, vehicle=vehicle, kinds=sorted(kinds),
        label=act.verdict.value, is_half=is_half, act=number,
        time=to_datetime(at).isoformat().replace("+00:00", "Z"),
    )  # fmt: skip


def _hidden(act: Act, source: HostSpec) -> bool:
    """Whether nobody can tie the connection to the logon."""
    return act.route is Route.NO_ADDRESS or bool(source.seen_from)


def shows_session(target: HostSpec) -> bool:
    """Whether the target's records of a child bear its session."""
    return target.sysmon is not Sysmon.NONE or target.process_version >= 2


def _kinds(act: Act, source: HostSpec, target: HostSpec | None) -> list[str]:
    """The kinds of evidence that there are on purpose, under the names that the view's documentation uses."""
    kinds = [] if act.by_winrm else ["mapper"]
    if act.script or Trait.WMIC in act.traits or act.command_seen:
        kinds.append("tool")
    if target is None:
        return kinds
    kinds.append("privileges")
    if not _hidden(act, source):
        kinds.append("tie")
    if not source.seen_from:
        kinds.append("address")
    if act.command_seen:
        kinds.append("command")
    if act.as_user:
        kinds.append("credentials")
    if act.child and not act.by_winrm and shows_session(target):
        kinds.append("child")
    return kinds
