"""NTCIP 1202 cabinets over SNMP: status, detectors, and control by the level that the site allows."""
