"""What can go wrong, in two kinds: ours to correct, and the plant's fault."""


class ConfigError(Exception):
    """A setting, file or argument that cannot be used; one line that names the thing, the value and the bound."""


class PlantError(Exception):
    """The street, the simulator or the equipment failed; one line that names the thing, the value and the bound."""
