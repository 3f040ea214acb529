r"""How accounts, addresses and kinds of logons are written everywhere: ``DOMAIN\name``, ``[fe80::1]:135``."""

from __future__ import annotations

#: By the number in 4624 (https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4624).
LOGON_TYPES = {
    2: "interactive",
    3: "network",
    4: "batch",
    5: "service",
    7: "unlock",
    8: "network, clear text",
    9: "new credentials",
    10: "remote interactive",
    11: "cached interactive",
}


def account(name: str | None, domain: str | None) -> str:
    r"""Return ``DOMAIN\name``; nothing for nobody."""
    return "\\".join(part for part in (domain, name) if part and part != "-") if name and name != "-" else ""


def end(address: str | None, port: int | None) -> str:
    """Return an end of a connection; nothing where none is named."""
    if not address or address == "-":
        return ""
    shown = f"[{address}]" if ":" in address and port else address
    return f"{shown}:{port}" if port else shown
