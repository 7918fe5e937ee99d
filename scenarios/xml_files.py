"""XML files read as streams, plain or packed; whatever is wrong with one is told in one line with its name."""

import bz2
import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree import ElementTree
from xml.parsers import expat

from signals.errors import ConfigError

GZIP_MAGIC, BZIP2_MAGIC = b"\x1f\x8b", b"BZ"


def open_packed(path: Path) -> BinaryIO:
    """Packing is known by the first bytes: SUMO reads gzip under any name."""
    try:
        stream = path.open("rb")
        start = stream.read(2)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    stream.seek(0)
    if start == BZIP2_MAGIC:
        return cast(BinaryIO, bz2.BZ2File(stream))
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if start == GZIP_MAGIC else stream


def _broken(path: Path, line: int, code: int) -> ConfigError:
    return ConfigError(f"{path}: line {line}: broken or cut XML ({expat.ErrorString(code)})")


def elements(path: Path, tag: str) -> Iterator[ElementTree.Element]:
    """All elements of that name, wherever they stand: to SUMO a file may be a single one."""
    with open_packed(path) as stream, _one_line(path):
        yield from (element for _event, element in ElementTree.iterparse(stream) if element.tag == tag)


def top_level_elements(path: Path, root_tags: tuple[str, ...] = ()) -> Iterator[ElementTree.Element]:
    """The root's children one by one, each complete; without `root_tags` any root will do."""
    with open_packed(path) as stream, _one_line(path):
        yield from _children(path, stream, root_tags)


def mentions(path: Path, text: bytes) -> bool:
    """Whether a line of the file holds the text; much quicker than to parse it."""
    with open_packed(path) as stream, _one_line(path):
        return any(text in line for line in stream)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except ElementTree.ParseError as error:
        raise _broken(path, error.position[0], error.code) from error
    except (EOFError, OSError, zlib.error) as error:
        raise ConfigError(f"{path}: broken or cut archive ({error})") from error


def _children(path: Path, stream: BinaryIO, root_tags: tuple[str, ...]) -> Iterator[ElementTree.Element]:
    root: ElementTree.Element | None = None
    depth = 0
    for event, element in ElementTree.iterparse(stream, events=("start", "end")):
        if event == "start":
            if root is None:
                root = element
                _check_root(path, element.tag, root_tags)
            depth += 1
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield element
            root.clear()


def _check_root(path: Path, tag: str, root_tags: tuple[str, ...]) -> None:
    if root_tags and tag not in root_tags:
        expected = " or ".join(f"<{root}>" for root in root_tags)
        raise ConfigError(f"{path}: its root is <{tag}>, must be {expected}")


def parse_starts(path: Path, start: Callable[[str, dict[str, str]], None], line_of: list[int] | None = None) -> None:
    """Call `start` with each element's name and attributes, its line in `line_of`; quick on large files."""
    parser = expat.ParserCreate()

    def opened(tag: str, attributes: dict[str, str]) -> None:
        if line_of is not None:
            line_of[:] = [parser.CurrentLineNumber]
        start(tag, attributes)

    parser.StartElementHandler = opened
    with open_packed(path) as stream:
        try:
            parser.ParseFile(stream)
        except expat.ExpatError as error:
            raise _broken(path, error.lineno, error.code) from error
        except (EOFError, OSError, zlib.error) as error:
            raise ConfigError(f"{path}: broken or cut archive ({error})") from error


def net_edges(path: Path) -> frozenset[str]:
    """Ids of a network's streets, without the junctions' inner edges; checks that the file is a whole network."""
    try:
        stamp = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return _net_edges(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=8)
def net_turns(path: Path) -> frozenset[tuple[str, str]]:
    """Every pair of edges of which the first leads to the second."""
    turns: set[tuple[str, str]] = set()

    def start(tag: str, given: dict[str, str]) -> None:
        if tag == "connection":
            turns.add((given.get("from", ""), given.get("to", "")))

    parse_starts(path, start)
    return frozenset(turns)


@lru_cache(maxsize=8)
def _net_edges(path: Path, _modified_ns: int, _size: int) -> frozenset[str]:
    edges: set[str] = set()
    roots: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not roots:
            _check_root(path, tag, ("net",))
            roots.append(tag)
        elif tag == "edge" and attributes.get("function") != "internal":
            edges.add(attributes.get("id", ""))

    parse_starts(path, start)
    if not edges:
        raise ConfigError(f"{path}: this network has no edges")
    return frozenset(edges)
