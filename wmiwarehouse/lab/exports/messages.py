"""The text of an event as Windows shows it in English: the Security log's in sections, the others' as the lab has it.

Exporters that carry the text and no data leave only this to tell who the subject of a logon is and who logged on.
"""

from __future__ import annotations

from wmiwarehouse.lab.exports.base import as_text
from wmiwarehouse.lab.model import Body, LabEvent
from wmiwarehouse.lab.nxlog import message as plain_message
from wmiwarehouse.lab.shapes import SECURITY

_ACCOUNT = "Security ID={0}UserSid|Account Name={0}UserName|Account Domain={0}DomainName|Logon ID={0}LogonId"
_SUBJECT = ("Subject", _ACCOUNT.format("Subject"))
_TARGET = _ACCOUNT.format("Target")
_NETWORK = ("Network Information", "Source Address=IpAddress|Source Port=IpPort")
_PROCESS = ("Process Information", "Process ID=ProcessId|Process Name=ProcessName")
_NEW_PROCESS = (
    "Process Information",
    "New Process ID=NewProcessId|New Process Name=NewProcessName|Token Elevation Type=TokenElevationType|"
    "Mandatory Label=MandatoryLabel|Creator Process ID=ProcessId|Creator Process Name=ParentProcessName|"
    "Process Command Line=CommandLine",
)
_AUTHENTICATION = (
    "Detailed Authentication Information",
    "Logon Process=LogonProcessName|Authentication Package=AuthenticationPackageName|"
    "Transited Services=TransmittedServices|Package Name (NTLM only)=LmPackageName|Key Length=KeyLength",
)
_LOGON_NETWORK = (
    "Network Information", "Workstation Name=WorkstationName|Source Network Address=IpAddress|Source Port=IpPort"
)  # fmt: skip
_SHARE = ("Share Information", "Share Name=ShareName|Share Path=ShareLocalPath|Relative Target Name=RelativeTargetName")
_REQUEST = (
    "Access Request Information", "Access Mask=AccessMask|Accesses=AccessList|Access Check Results=AccessReason"
)  # fmt: skip
_OBJECT = (
    "Object",
    "Object Server=ObjectServer|Object Type=ObjectType|Object Name=ObjectName|Object Handle=HandleId",
)
_TICKET = ("Service Information", "Service Name=ServiceName|Service ID=ServiceSid")
_CALLER = ("Network Information", "Client Address=IpAddress|Client Port=IpPort")

#: Sections and their lines (label = field); without a section the lines stand for themselves.
_LAYOUTS: dict[tuple[int, int], tuple[tuple[str, str], ...]] = {
    (1102, 0): (("Subject", _SUBJECT[1].replace("Account Domain", "Domain Name")),),
    (4624, 0): (
        _SUBJECT, ("", "Logon Type=LogonType"), ("New Logon", f"{_TARGET}|Logon GUID=LogonGuid"), _PROCESS,
        _LOGON_NETWORK, _AUTHENTICATION,
    ),
    (4624, 1): (
        _SUBJECT, ("", "Logon Type=LogonType"), ("", "Impersonation Level=ImpersonationLevel"),
        ("New Logon", f"{_TARGET}|Logon GUID=LogonGuid"), _PROCESS, _LOGON_NETWORK, _AUTHENTICATION,
    ),
    (4624, 2): (
        _SUBJECT,
        ("Logon Information",
         "Logon Type=LogonType|Restricted Admin Mode=RestrictedAdminMode|Virtual Account=VirtualAccount|"
         "Elevated Token=ElevatedToken"),
        ("", "Impersonation Level=ImpersonationLevel"),
        ("New Logon",
         f"{_TARGET}|Linked Logon ID=TargetLinkedLogonId|Network Account Name=TargetOutboundUserName|"
         "Network Account Domain=TargetOutboundDomainName|Logon GUID=LogonGuid"),
        _PROCESS, _LOGON_NETWORK, _AUTHENTICATION,
    ),
    (4625, 0): (
        _SUBJECT, ("", "Logon Type=LogonType"),
        ("Account For Which Logon Failed", _TARGET.rpartition("|")[0]),
        ("Failure Information", "Failure Reason=FailureReason|Status=Status|Sub Status=SubStatus"),
        ("Process Information", "Caller Process ID=ProcessId|Caller Process Name=ProcessName"),
        _LOGON_NETWORK, _AUTHENTICATION,
    ),
    (4634, 0): (("Subject", _TARGET), ("", "Logon Type=LogonType")),
    (4647, 0): (("Subject", _TARGET),),
    (4648, 0): (
        ("Subject", f"{_SUBJECT[1]}|Logon GUID=LogonGuid"),
        ("Account Whose Credentials Were Used",
         "Account Name=TargetUserName|Account Domain=TargetDomainName|Logon GUID=TargetLogonGuid"),
        ("Target Server", "Target Server Name=TargetServerName|Additional Information=TargetInfo"),
        _PROCESS, ("Network Information", "Network Address=IpAddress|Port=IpPort"),
    ),
    (4672, 0): (_SUBJECT, ("", "Privileges=PrivilegeList")),
    (4674, 0): (
        _SUBJECT, _OBJECT, _PROCESS,
        ("Requested Operation", "Desired Access=AccessMask|Privileges=PrivilegeList"),
    ),
    (4688, 0): (_SUBJECT, _NEW_PROCESS),
    (4688, 1): (_SUBJECT, _NEW_PROCESS),
    (4688, 2): (("Creator Subject", _SUBJECT[1]), ("Target Subject", _TARGET), _NEW_PROCESS),
    (4689, 0): (_SUBJECT, ("Process Information", f"{_PROCESS[1]}|Exit Status=Status")),
    (4719, 0): (
        _SUBJECT,
        ("Audit Policy Change",
         "Category=CategoryId|Subcategory=SubcategoryId|Subcategory GUID=SubcategoryGuid|Changes=AuditPolicyChanges"),
    ),
    (4768, 0): (
        ("Account Information", "Account Name=TargetUserName|Supplied Realm Name=TargetDomainName|User ID=TargetSid"),
        _TICKET, _CALLER,
        ("Additional Information",
         "Ticket Options=TicketOptions|Result Code=Status|Ticket Encryption Type=TicketEncryptionType|"
         "Pre-Authentication Type=PreAuthType"),
        ("Certificate Information",
         "Certificate Issuer Name=CertIssuerName|Certificate Serial Number=CertSerialNumber|"
         "Certificate Thumbprint=CertThumbprint"),
    ),
    (4769, 0): (
        ("Account Information", "Account Name=TargetUserName|Account Domain=TargetDomainName|Logon GUID=LogonGuid"),
        _TICKET, _CALLER,
        ("Additional Information",
         "Ticket Options=TicketOptions|Ticket Encryption Type=TicketEncryptionType|Failure Code=Status|"
         "Transited Services=TransmittedServices"),
    ),
    (5140, 1): (
        _SUBJECT, ("Network Information", f"Object Type=ObjectType|{_NETWORK[1]}"), _SHARE, _REQUEST,
    ),
    (5145, 0): (
        _SUBJECT, ("Network Information", f"Object Type=ObjectType|{_NETWORK[1]}"), _SHARE, _REQUEST,
    ),
    (5156, 1): (
        ("Application Information", "Process ID=ProcessID|Application Name=Application"),
        ("Network Information",
         "Direction=Direction|Source Address=SourceAddress|Source Port=SourcePort|Destination Address=DestAddress|"
         "Destination Port=DestPort|Protocol=Protocol"),
        ("Filter Information",
         "Filter Run-Time ID=FilterRTID|Layer Name=LayerName|Layer Run-Time ID=LayerRTID"),
    ),
}  # fmt: skip
#: Windows explains below the values what they mean.
_TRAILERS = {
    4624: "This event is generated when a logon session is created.",
    4688: "Token Elevation Type indicates the type of token that was assigned to the new process.\r\n\r\n"
    "Type 1 is a full token with no privileges removed or groups disabled.",
}


def sections(event: LabEvent) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections of a Security event's text with their labels and values, as far as the event has the fields."""
    texts = as_text(event)
    found = []
    for title, lines in _LAYOUTS.get((event.kind.event_id, event.kind.version), ()):
        pairs = (line.split("=") for line in lines.split("|"))
        shown = [(label, texts[field]) for label, field in pairs if field in texts]
        if shown:
            found.append((title, shown))
    return found


def message(event: LabEvent) -> str:
    """The event's text."""
    kind = event.kind
    if kind.channel != SECURITY or kind.body is Body.CLASSIC:
        return plain_message(event)
    blocks = [kind.message]
    for title, lines in sections(event):
        indent = "\t" if title else ""
        text = "\r\n".join(f"{indent}{label}:\t\t{value}" for label, value in lines)
        blocks.append(f"{title}:\r\n{text}" if title else text)
    if trailer := _TRAILERS.get(kind.event_id):
        blocks.append(trailer)
    return "\r\n\r\n".join(blocks)
