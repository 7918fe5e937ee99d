"""What ends a reading; a broken row does not."""


class FormatError(Exception):
    """A file that cannot be read or written as what it should be; one line: the file, what was found, what is due."""
