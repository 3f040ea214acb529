"""wmiwarehouse: an offline hunting warehouse for WMI lateral movement in Windows event logs."""

__version__ = "0.1.0"
