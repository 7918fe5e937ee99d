"""Broken networks: one line that names the file, the junction and the mend, whoever reads them."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from signals.errors import ConfigError
from simulation.network import read
from tests.simulation.crossroads import crossroads, static


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sound network of one junction with a crossing."""
    crossing = '<crossing node="C" edges="ni no"/>'
    folder = tmp_path_factory.mktemp("crossroads")
    return crossroads(folder, crossings=crossing, options=("--sidewalks.guess", "true")).read_text()


def refusal(content: str | bytes, folder: Path, additional: tuple[Path, ...] = (), ending: str = ".net.xml") -> str:
    """The message; it is one line and names the file."""
    file = folder / f"their{ending}"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as error:
        read(file, additional)
    said = str(error.value)
    assert "\n" not in said
    assert said.startswith((str(file), *map(str, additional)))
    return said


def test_the_sound_one_is_read(whole: str, tmp_path: Path):
    """What follows is refused for what is broken in it."""
    file = tmp_path / "sound.net.xml"
    file.write_text(whole)
    assert [i.id for i in read(file).intersections] == ["C"]


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (
            lambda text: text.replace('linkIndex="12"', 'linkIndex="40"'),
            r"signal C: link index 40, must be below the length 13 of the states of program 0; .* correct linkIndex",
        ),
        (
            lambda text: text.replace('state="yyyrrryyyrrrr"', 'state="yyyrrryyyrrr"'),
            r"signal C, program 0: row 1: its state has 12 letters, must have 13 as row 0; make its states equ",
        ),
        (
            lambda text: re.sub(r'(<phase .*state=")(\w+)"', lambda m: f'{m[1]}{"r" * len(m[2])}"', text),
            "signal C, program 0: no row has green; give each link a row with G or g",
        ),
        (
            lambda text: text.replace('state="yyyrrryyyrrrr"', 'state="yyyrrryyyrrrx"'),
            "signal C: row 1: letter x in its state, must be one of G g y Y r u s o O",
        ),
        (
            lambda text: text.replace(' tl="C" linkIndex="12"', ""),
            "junction C: crossing :C_c0 has no signal link; give the connection to it tl and linkIndex",
        ),
        (
            lambda text: text.replace('id="ei_0"', 'id="ni_0"'),
            "lane ni_0: is there twice; remove one or give it another id",
        ),
        (lambda text: text[: len(text) // 2], "is not a readable SUMO network: .*"),
        (
            lambda text: text.replace('duration="30"', 'duration="long"'),
            "signal C: row 0: duration: time = 'long', must be seconds or hh:mm:ss",
        ),
        (
            lambda text: text.replace("</tlLogic>", '<phase duration="3" state="GGGGGGGGGGGGG" next="99"/></tlLogic>'),
            "signal C: next = 99, must be a row from 0 to 7",
        ),
    ],
)
def test_what_is_broken_in_the_network_is_told_with_the_mend(
    whole: str, tmp_path: Path, broken: Callable[[str], str], line: str
):
    assert re.search(line, refusal(broken(whole), tmp_path))


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_cut_gzip_is_told(whole: str, tmp_path: Path, part: float):
    packed = gzip.compress(whole.encode())
    said = refusal(packed[: int(len(packed) * part)], tmp_path, ending=".net.xml.gz")
    assert "is not a readable SUMO network" in said


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "No such file or directory"),
        ("<additional><tlLogic", "line 1: broken or cut XML"),
        (static(name="X"), "tlLogic X: their.net.xml has no such signal; correct its id"),
        (static((("GGG", 30), ("rrr", 30)), program="short"), "link index 12, must be below the length 3"),
        ('<wautJunction wautID="w" junctionID="C"/>', "wautJunction C: there is no WAUT w; add it or correct wautID"),
    ],
)
def test_what_is_broken_in_an_additional_file_is_told(whole: str, tmp_path: Path, content: str | None, line: str):
    """Missing, cut, or at odds with the network."""
    file = tmp_path / "more.add.xml"
    if content is not None:
        file.write_text(content if "<additional>" in content else f"<additional>{content}</additional>")
    assert line in refusal(whole, tmp_path, (file,))
