"""A cabinet that is not there: a ring-and-barrier controller unit of its own code, behind an SNMP agent."""
