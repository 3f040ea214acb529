"""What a staged event is, and which analytics must therefore hit its records.

The author of the scenario states the traits of every staged command line; nothing here looks at the text. That keeps
the truth independent of the analytics, which match text.
"""

from __future__ import annotations

from enum import Enum, Flag, auto
from functools import lru_cache
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]


class Verdict(Enum):
    """What a row is to an analytic; ``context`` is true of every working day and alarms nobody."""

    ATTACK = "attack"
    BENIGN = "benign"
    CONTEXT = "context"
    NEAR_MISS = "near_miss"


class Origin(Enum):
    """Where the session of a child of WMI came from, as far as its record tells."""

    REMOTE = "remote"
    LOCAL = "local"
    SUBSCRIPTION = "subscription"
    UNKNOWN = "unknown"


class Trait(Flag):
    """What is true of a staged process creation."""

    NONE = 0
    WMIC = auto()  # its image is named wmic.exe
    WINDOWS = auto()  # its image lies in a folder below C:\Windows
    RENAMED = auto()  # a copy of wmic under another name
    BLANKS = auto()  # the command line has " process call create " and " /node:" with just these blanks
    WORDS = auto()  # the command line has /node:, process, call and create somewhere
    METHOD = auto()  # ... calls a method of Win32_Process on another host, however it is spelt
    WRAPS = auto()  # ... names wmic, around which this process is
    WMI_CHILD = auto()  # its parent is WmiPrvSE.exe
    SECURED = auto()  # its parent's command line is WmiPrvSE's full path with -secured -Embedding
    ENDS_SECURED = auto()  # its parent's command line ends like that
    PROVIDER = auto()  # it is WmiPrvSE -secured -Embedding itself, started by DcomLaunch as NETWORK SERVICE
    REDIRECTED = auto()  # its output goes into a file on a share of its own host, as wmiexec.py has it
    INBOUND = auto()  # a connection from elsewhere, both ports dynamic, came in less than a second before
    INBOUND_SESSION = (
        auto()
    )  # ... to the address and port in its session's 4624; at about its time where nobody knows its session


COMMAND_LINE_TRAITS = Trait.BLANKS | Trait.WORDS | Trait.METHOD | Trait.WRAPS | Trait.REDIRECTED
REMOTE_CREATE = Trait.WMIC | Trait.WINDOWS | Trait.BLANKS | Trait.WORDS | Trait.METHOD

_BOTH = {
    "car_2016_03_002": (Trait.WMIC | Trait.BLANKS,),
    "car_2016_03_002_eql": (Trait.WMIC | Trait.BLANKS,),
    "xql_wmic_remote_exec": (Trait.WMIC | Trait.WORDS,),
    "escu_remote_process_instantiation_via_wmi": (Trait.WMIC | Trait.WORDS, Trait.RENAMED | Trait.WORDS),
    "wmic_remote_broad": (Trait.WMIC | Trait.METHOD, Trait.RENAMED | Trait.METHOD, Trait.WRAPS | Trait.METHOD),
    "wmiprvse_children": (Trait.WMI_CHILD,),
    "wmi_child_origin": (Trait.WMI_CHILD,),
    "wmiexec_output": (Trait.REDIRECTED,),
    "car_2014_12_001": (Trait.WMI_CHILD | Trait.INBOUND,),
    "car_2014_12_001_session": (Trait.WMI_CHILD | Trait.INBOUND_SESSION,),
}
_SYSMON = _BOTH | {
    "car_2016_03_002_splunk": (Trait.WMIC | Trait.WINDOWS | Trait.BLANKS,),
    "car_2016_03_002_logpoint": (Trait.WMIC | Trait.WINDOWS | Trait.BLANKS,),
    "playbook_src_sysmon1_image": (Trait.WMIC,),
    "playbook_src_sysmon1_command_line": (Trait.BLANKS,),
    "playbook_dst_sysmon1_parent_image": (Trait.WMI_CHILD,),
    "playbook_dst_sysmon1_parent_command_line": (Trait.ENDS_SECURED,),
    "report_wmi_parent_command_line": (Trait.SECURED,),
    "report_wmi_process_execution": (Trait.PROVIDER,),
}
_SECURITY = _BOTH | {
    "playbook_src_4688_image": (Trait.WMIC,),
    "playbook_src_4688_command_line": (Trait.BLANKS,),
}
# Shown, never alarmed: an ordinary day's rows are the context of a hunt.
CONTEXT_ANALYTICS = frozenset(
    {
        "playbook_dst_4624_address",
        "playbook_dst_4624_user",
        "playbook_dst_4672_user",
        "playbook_dst_sysmon1_user",
        "playbook_process_not_local_user",
        "wmi_activity",
    }
)
_BY_EVENT = {
    "evidence_tampering",
    "explicit_credentials_rpcss",
    "playbook_src_4648_explicit_credentials",
    "playbook_src_4674_winsock2",
    "playbook_src_sysmon12_tcpip",
    "playbook_src_sysmon3_dcom_135",
    "powershell_remote_wmi",
    "report_wmi_network_connection",
    "wmi_subscription",
}
ANALYTICS = tuple(sorted(_SYSMON.keys() | _SECURITY.keys() | CONTEXT_ANALYTICS | _BY_EVENT))


class Part(NamedTuple):
    """An event's part in an act."""

    act: int
    role: str
    verdict: Verdict


class Staged(NamedTuple):
    """A process creation with its traits, and what a hit on it means; the noise's own have no act."""

    act: int | None
    verdict: Verdict
    traits: Trait = Trait.NONE
    role: str = "process"
    origin: Origin | None = None


def process_labels(staged: Staged, traits: Trait, *, sysmon: bool) -> Labels:
    """(analytic, verdict) for the one record of a process that shows these of its traits."""
    return _process_labels(staged.verdict, staged.act is not None, traits, sysmon)


@lru_cache(maxsize=4096)
def _process_labels(verdict: Verdict, of_act: bool, traits: Trait, sysmon: bool) -> Labels:
    rules = _SYSMON if sysmon else _SECURITY
    hits = {analytic: any(need in traits for need in needs) for analytic, needs in rules.items()}
    return tuple(
        (analytic, (verdict if hit else Verdict.NEAR_MISS).value) for analytic, hit in hits.items() if hit or of_act
    )


def label(analytic: str, part: Part | None, *, hit: bool = True) -> Labels:
    """The label of an event that is no process creation; an ordinary day's near misses are not worth noting."""
    if part is not None:
        return ((analytic, (part.verdict if hit else Verdict.NEAR_MISS).value),)
    if not hit:
        return ()
    return ((analytic, (Verdict.CONTEXT if analytic in CONTEXT_ANALYTICS else Verdict.BENIGN).value),)
