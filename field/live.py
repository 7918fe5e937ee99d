"""What the operator watches: a block a junction where the terminal has room for it, else a row each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from field.junctions import ApproachView, JunctionView, LoopView

BLOCK_WIDTH, GUTTER = 47, 3
LINES_BESIDE = 4
"""A block's lines beside its approaches: title, reason (two), answer."""
HEADER_LINES = 3
NAME_WIDTH, LOOPS_WIDTH, BAR_WIDTH = 13, 10, 6
VEH_PER_BAR = 2.0
WIDE = 130
BESIDE_LOOPS, ANSWER_WIDTH = NAME_WIDTH + 33, 10
LOOP_MARKS = {(True, False): "□", (True, True): "■", (False, False): "○", (False, True): "●"}
FAULTY = "×"
STYLE_OF = {"green": "green", "yellow": "yellow", "red": "red", "unknown": "bright_black"}
LEGEND = "■ stop-line loop covered   ● advance loop covered   × faulty loop   ~ queue inferred   * own plan"


@dataclass(frozen=True)
class Status:
    """The header: where, by whom, how fast, and whether the loop keeps up."""

    street: str
    controller: str
    mode: str
    time_s: float
    speed: float
    ticks: int
    late: int
    lateness_p99_s: float


@dataclass(frozen=True)
class Dashboard:
    """One picture of all junctions, fitted to the terminal that it is drawn in."""

    status: Status
    junctions: Sequence[JunctionView]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, console.size.height - HEADER_LINES - 2
        yield from header(self.status, width)
        columns = max(1, (width + GUTTER) // (BLOCK_WIDTH + GUTTER))
        lines = [max(len(j.approaches) for j in row) + LINES_BESIDE for row in _in_rows(self.junctions, columns)]
        if sum(lines) <= height:
            yield from blocks(self.junctions, columns, (width + GUTTER) // columns - GUTTER)
        else:
            yield from rows(self.junctions, height, width)
        yield ""  # where the terminal echoes ^C without pushing the picture


def header(status: Status, width: int) -> RenderResult:
    """Who controls what and how punctually, and what the marks mean."""
    left = Text.assemble((status.street, "bold"), " · ", (status.controller, "bold"), " · ", status.mode)
    right = (
        f"{clock_face(status.time_s)}  {status.speed:g} ×  tick {status.ticks}  "
        f"late {status.late}, p99 {status.lateness_p99_s * 1000:.0f} ms"
    )
    left.truncate(max(1, width - len(right) - 1), overflow="ellipsis", pad=True)
    yield left.append(f" {right}")
    yield Text(LEGEND, style="bright_black", no_wrap=True, overflow="ellipsis")
    yield ""


def clock_face(time_s: float) -> str:
    """The street's time of day."""
    seconds = int(time_s) % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def blocks(junctions: Sequence[JunctionView], columns: int, width: int) -> RenderResult:
    """Junctions side by side, each with a line an approach, its decision and the interlock's answer.

    Whole lines of text, since nested tables take ten times as long to draw.
    """
    for row in _in_rows(junctions, columns):
        tallest = max(len(j.approaches) for j in row) + LINES_BESIDE
        for parts in zip(*(_block(j, width, tallest) for j in row), strict=True):
            yield Text(" " * GUTTER).join(parts)


def _in_rows(junctions: Sequence[JunctionView], columns: int) -> list[Sequence[JunctionView]]:
    return [junctions[k : k + columns] for k in range(0, len(junctions), columns)]


def _block(junction: JunctionView, width: int, height: int) -> list[Text]:
    """As many lines whatever is said in it, so that nothing jumps; a reason may take two."""
    said = textwrap.wrap(_said(junction), width, max_lines=2, placeholder=" …", subsequent_indent="   ")
    lines = [
        _title(junction, width),
        *(_approach_line(a) for a in junction.approaches),
        *(Text(line) for line in said),
        _answer(junction),
    ]
    lines += [Text() for _ in range(height - len(lines))]
    for line in lines:
        line.truncate(width, overflow="ellipsis", pad=True)
    return lines


def _title(junction: JunctionView, width: int) -> Text:
    stands = (
        f"{junction.stage}  phases {junction.phases}  {junction.green_s:.0f} s" if junction.phases else junction.stage
    )
    right = f"{stands}{'  own plan' if junction.local else ''}"
    room = width - len(right) - 1
    return Text(f"{_shortened(junction.name, room):<{room}} {right}", style="bold reverse")


def _approach_line(approach: ApproachView) -> Text:
    line = Text(f"{_shortened(approach.name, NAME_WIDTH):<{NAME_WIDTH}} ", style=STYLE_OF[approach.colour])
    loops = _loops(approach.loops, LOOPS_WIDTH)
    loops.pad_right(max(0, LOOPS_WIDTH - loops.cell_len))
    bar = "█" * min(BAR_WIDTH, round(approach.queue_veh / VEH_PER_BAR))
    mark = "" if approach.measured else "~"
    line.append_text(loops)
    line.append(f" {bar:<{BAR_WIDTH}}", style="cyan")
    line.append(f"{mark + format(approach.queue_veh, '.0f'):>4} veh", style="default")
    line.append(f"{approach.arrival_flow_veh_per_h:5.0f}/h", style="default")
    return line


def _loops(loops: Sequence[LoopView], room: int) -> Text:
    """Stop-line loops, a blank, advance loops; the last of them go when there is no room."""
    text = Text()
    for before, loop in zip([None, *loops], loops, strict=False):
        if before is not None and before.stop_line and not loop.stop_line:
            text.append(" ")
        mark = LOOP_MARKS[loop.stop_line, loop.covered] if loop.healthy else FAULTY
        text.append(mark, style=STYLE_OF[loop.colour])
    text.truncate(room, overflow="ellipsis")
    return text


def _said(junction: JunctionView) -> str:
    return f"{junction.wish}  {junction.why}" if junction.wish else junction.why


def _answer(junction: JunctionView) -> Text:
    return Text(junction.answer, style="bright_black" if junction.granted else "red")


def _shortened(name: str, width: int) -> str:
    """The end of a long name tells more than its beginning."""
    return name if len(name) <= width else f"…{name[1 - width :]}"


def rows(junctions: Sequence[JunctionView], most: int, width: int) -> RenderResult:
    """A junction in two lines or one: stop-line loops alone, queues and flows summed; those beyond are counted."""
    each = 2 if width < WIDE and 2 * len(junctions) < most else 1
    fitting = junctions if len(junctions) < most else junctions[: most - 2]
    loops = max((_stop_loops(j).cell_len for j in fitting), default=0)
    said = f"{'decision':<{max(8, width - loops - BESIDE_LOOPS - ANSWER_WIDTH)}} interlock" if each == 1 else ""
    heading = f"{'junction':<{NAME_WIDTH}} {'stage':<6}{'green':>6}  {'loops':<{loops}}{'queue':>9}{'veh/h':>7}  {said}"
    yield Text(heading, style="bold", no_wrap=True, overflow="crop")
    for junction in fitting:
        yield from _row(junction, loops, width, each)
    if len(fitting) < len(junctions):
        yield Text(f"and {len(junctions) - len(fitting)} more: a taller window shows them", style="bright_black")


def _stop_loops(junction: JunctionView) -> Text:
    return Text(" ").join(_loops([x for x in a.loops if x.stop_line], LOOPS_WIDTH) for a in junction.approaches)


def _row(junction: JunctionView, loops: int, width: int, lines: int) -> RenderResult:
    stands = (junction.stage if junction.phases else "–") + ("*" if junction.local else "")
    line = Text(f"{_shortened(junction.name, NAME_WIDTH):<{NAME_WIDTH}} ", style="bold")
    line.append(f"{stands[:6]:<6}{junction.green_s:4.0f} s  ", style="not bold")
    shown = _stop_loops(junction)
    shown.truncate(loops, pad=True)
    queue_veh = sum(a.queue_veh for a in junction.approaches)
    flow_veh_per_h = sum(a.arrival_flow_veh_per_h for a in junction.approaches)
    line.append_text(shown).append(f"{queue_veh:5.0f} veh{flow_veh_per_h:7.0f}  ", style="not bold")
    said = Text(_said(junction))
    if lines == 1:
        said.truncate(max(8, width - line.cell_len - ANSWER_WIDTH), overflow="ellipsis", pad=True)
        line.append_text(said.append(" ").append_text(_answer(junction)).copy())
        line.truncate(width, overflow="ellipsis")
        yield line
    else:
        yield line
        said = Text(" " * (NAME_WIDTH + 1)).append_text(said).append("   ").append_text(_answer(junction))
        said.truncate(width, overflow="ellipsis")
        yield said
