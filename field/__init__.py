"""The controller at the cabinet: its protocols, its watchdog and the virtual cabinet."""
