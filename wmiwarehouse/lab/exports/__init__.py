"""The scenario in every export format that the warehouse reads, so that each can be held against the EVTX.

One module per format; a format's variants (a collector's module, an older version) are writers of their own under the
format's name and a suffix.
"""

from __future__ import annotations

from wmiwarehouse.lab.exports.azure_monitor import AgentEventWriter, WindowsEventWriter
from wmiwarehouse.lab.exports.base import Writer
from wmiwarehouse.lab.exports.event_object import GolangEvtxWriter, OpenWecWriter, VelociraptorWriter
from wmiwarehouse.lab.exports.event_xml import EventXmlWriter, RedirectedXmlWriter, SavedXmlWriter
from wmiwarehouse.lab.exports.evtx_json import EvtxDumpWriter, EvtxJsonWriter
from wmiwarehouse.lab.exports.evtxecmd import EvtxECmdFullWriter, EvtxECmdWriter
from wmiwarehouse.lab.exports.fluent import FluentBitWriter, FluentdWriter
from wmiwarehouse.lab.exports.get_winevent import PowerShellWriter, ShallowPowerShellWriter, WindowsPowerShellWriter
from wmiwarehouse.lab.exports.minimal import MinimalWriter, SentinelWriter
from wmiwarehouse.lab.exports.nxlog_old import OldNxlogWriter
from wmiwarehouse.lab.exports.sensors import CortexArrayWriter, CortexLinesWriter, CrowdStrikeWriter
from wmiwarehouse.lab.exports.splunk import SplunkClassicWriter, SplunkRawWriter, SplunkXmlWriter
from wmiwarehouse.lab.exports.wazuh import WazuhArchiveWriter, WazuhWriter
from wmiwarehouse.lab.exports.winlogbeat import (
    FlatWinlogbeatWriter,
    OldWinlogbeatWriter,
    WinlogbeatModuleWriter,
    WinlogbeatWriter,
)

#: The names of the lab's formats beside its own three, with the writer of one file (one file for each host).
WRITERS: dict[str, type[Writer]] = {
    "azure_monitor": WindowsEventWriter,
    "azure_monitor_event": AgentEventWriter,
    "cortex_xdr": CortexLinesWriter,
    "cortex_xdr_array": CortexArrayWriter,
    "crowdstrike_fdr": CrowdStrikeWriter,
    "event_object": OpenWecWriter,
    "event_object_golang": GolangEvtxWriter,
    "event_object_velociraptor": VelociraptorWriter,
    "event_xml": EventXmlWriter,
    "event_xml_saved": SavedXmlWriter,
    "event_xml_utf16": RedirectedXmlWriter,
    "evtx_json": EvtxJsonWriter,
    "evtx_json_dump": EvtxDumpWriter,
    "evtxecmd": EvtxECmdWriter,
    "evtxecmd_full": EvtxECmdFullWriter,
    "fluent": FluentBitWriter,
    "fluent_fluentd": FluentdWriter,
    "get_winevent": WindowsPowerShellWriter,
    "get_winevent_7": PowerShellWriter,
    "get_winevent_shallow": ShallowPowerShellWriter,
    "minimal_json": MinimalWriter,
    "minimal_json_sentinel": SentinelWriter,
    "nxlog_old": OldNxlogWriter,
    "splunk": SplunkXmlWriter,
    "splunk_classic": SplunkClassicWriter,
    "splunk_raw": SplunkRawWriter,
    "wazuh": WazuhWriter,
    "wazuh_archive": WazuhArchiveWriter,
    "winlogbeat": WinlogbeatWriter,
    "winlogbeat_6": OldWinlogbeatWriter,
    "winlogbeat_flat": FlatWinlogbeatWriter,
    "winlogbeat_module": WinlogbeatModuleWriter,
}
