"""What a staged process is, and which analytics must therefore hit its records.

The author of the scenario states the traits of every staged command line; nothing here looks at the text. That keeps
the truth independent of the analytics, which match text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag, auto


class Verdict(Enum):
    """What a staged row is to an analytic."""

    ATTACK = "attack"
    BENIGN = "benign"
    NEAR_MISS = "near_miss"


class Trait(Flag):
    """What is true of a staged process creation."""

    NONE = 0
    WMIC = auto()  # its image is named wmic.exe
    WINDOWS = auto()  # its image lies in a folder below C:\Windows
    RENAMED = auto()  # a copy of wmic under another name
    BLANKS = auto()  # the command line has " process call create " and " /node:" with just these blanks
    WORDS = auto()  # the command line has /node:, process, call and create somewhere
    WMI_CHILD = auto()  # its parent is WmiPrvSE.exe


COMMAND_LINE_TRAITS = Trait.BLANKS | Trait.WORDS
REMOTE_CREATE = Trait.WMIC | Trait.WINDOWS | Trait.BLANKS | Trait.WORDS

_BOTH = {
    "car_2016_03_002": (Trait.WMIC | Trait.BLANKS,),
    "car_2016_03_002_eql": (Trait.WMIC | Trait.BLANKS,),
    "xql_wmic_remote_exec": (Trait.WMIC | Trait.WORDS,),
    "escu_remote_process_instantiation_via_wmi": (Trait.WMIC | Trait.WORDS, Trait.RENAMED | Trait.WORDS),
    "wmiprvse_children": (Trait.WMI_CHILD,),
}
_SYSMON = _BOTH | {
    "car_2016_03_002_splunk": (Trait.WMIC | Trait.WINDOWS | Trait.BLANKS,),
    "car_2016_03_002_logpoint": (Trait.WMIC | Trait.WINDOWS | Trait.BLANKS,),
    "playbook_src_sysmon1_image": (Trait.WMIC,),
    "playbook_src_sysmon1_command_line": (Trait.BLANKS,),
}
_SECURITY = _BOTH | {
    "playbook_src_4688_image": (Trait.WMIC,),
    "playbook_src_4688_command_line": (Trait.BLANKS,),
}
ANALYTICS = tuple(sorted(_SYSMON | _SECURITY))


@dataclass(frozen=True, slots=True)
class Staged:
    """A process creation that belongs to an act: its traits, and what a hit on it means."""

    act: int
    verdict: Verdict
    traits: Trait = Trait.NONE
    role: str = "process"


def labels(staged: Staged, traits: Trait, *, sysmon: bool) -> tuple[tuple[str, str], ...]:
    """(analytic, verdict) for the one record of a staged process that shows these of its traits."""
    rules = _SYSMON if sysmon else _SECURITY
    return tuple(
        (analytic, (staged.verdict if any(need in traits for need in needs) else Verdict.NEAR_MISS).value)
        for analytic, needs in rules.items()
    )
