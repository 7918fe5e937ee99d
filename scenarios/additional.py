"""A user's additional files as a run of ours may load them: without output, and without traffic, which is drawn.

What only measures is left out, detectors keep standing and write nothing. A file with nothing of the kind is loaded
itself, of others a copy in the cache.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from scenarios.cache import combined_digest, file_digest, kept_folder
from scenarios.traffic import DEMAND_TAGS
from scenarios.xml_files import mentions, top_level_elements
from signals.errors import ConfigError

ONLY_MEASURES = frozenset({"edgeData", "laneData", "timedEvent", "vTypeProbe"})
CHANGES_DEMAND = "calibrator"  # adds and removes vehicles, others under every controller
LEFT_OUT = frozenset({*ONLY_MEASURES, CHANGES_DEMAND, "include", *DEMAND_TAGS})
ONLY_WRITES = frozenset(
    {"e1Detector", "inductionLoop", "instantInductionLoop", "e2Detector", "laneAreaDetector", "e3Detector",
     "entryExitDetector", "routeProbe"}
)  # fmt: skip
OUTPUT_KEYS = ("file", "output")
NOWHERE = "NUL"  # SUMO's name for no output, on every system


def with_included(files: Iterable[Path]) -> tuple[Path, ...]:
    """The files and those that they include, each included one before the one that names it."""
    found: dict[Path, None] = {}
    for file in files:
        _add(file, found, ())
    return tuple(found)


def _add(file: Path, found: dict[Path, None], within: tuple[Path, ...]) -> None:
    if file in within:
        raise ConfigError(f"{file}: includes itself")
    for named in _included(file):
        inner = (file.parent / named).resolve()
        if not inner.is_file():
            raise ConfigError(f"{file}: includes {named}, which is not there ({inner})")
        _add(inner, found, (*within, file))
    found.setdefault(file)


def _included(file: Path) -> list[str]:
    if not mentions(file, b"<include"):
        return []
    return [element.get("href", "") for element in top_level_elements(file) if element.tag == "include"]


def by_themselves(files: Iterable[Path]) -> list[Path]:
    """Without those that others of them include: SUMO loads these itself."""
    known = list(files)
    included = {(file.parent / named).resolve() for file in known for named in _included(file)}
    return [file for file in known if file not in included]


def calibrators(files: Iterable[Path]) -> int:
    """How many there are."""
    return sum(element.tag == CHANGES_DEMAND for file in files for element in top_level_elements(file))


def to_run(file: Path) -> Path:
    """The file itself, or a copy that writes nothing and holds no traffic."""
    return _to_run(file, file_digest(file))


@lru_cache(maxsize=64)
def _to_run(file: Path, digest: str) -> Path:
    if all(_as_loaded(element, file.parent) is element for element in top_level_elements(file)):
        return file
    plain_name = file.name.removesuffix(".gz")

    def build(folder: Path) -> None:
        loaded = (_as_loaded(element, file.parent) for element in top_level_elements(file))
        lines = [tostring(element, encoding="unicode").strip() for element in loaded if element is not None]
        (folder / plain_name).write_text("\n".join(["<additional>", *lines, "</additional>"]), encoding="utf-8")

    name = combined_digest([digest, str(file.parent), Path(__file__).read_text(encoding="utf-8")])
    return kept_folder(f"additional/{name[:32]}", build) / plain_name


def _as_loaded(element: Element, folder: Path) -> Element | None:
    """What a run loads of an element: itself, the same with other files, or nothing."""
    if element.tag in LEFT_OUT:
        return None
    changes: dict[str, str] = {}
    if element.tag in ONLY_WRITES:
        changes = {key: NOWHERE for key in OUTPUT_KEYS if element.get(key, NOWHERE) != NOWHERE}
    elif "file" in element.attrib and not Path(element.attrib["file"]).is_absolute():
        changes = {"file": str(folder / element.attrib["file"])}
    written = [p for p in element.iter("param") if p.get("key") == "file" and p.get("value") != NOWHERE]
    if element.tag == "tlLogic" and written:
        element = _copy(element, {})
        for param in element.iter("param"):
            param.set("value", NOWHERE if param.get("key") == "file" else param.get("value", ""))
    return _copy(element, changes) if changes else element


def _copy(element: Element, changes: dict[str, str]) -> Element:
    copied = Element(element.tag, {**element.attrib, **changes})
    copied.extend(Element(child.tag, dict(child.attrib)) if child.tag == "param" else child for child in element)
    return copied
