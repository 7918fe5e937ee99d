"""A place where an episode is over soon."""

from pathlib import Path

from scenarios.catalogue import find


def short_place(folder: Path, seconds: int) -> str:
    """The first seconds of `single`, as a user's own scenario."""
    single = find("single")
    path = folder / "short.sumocfg"
    routes = ",".join(str(file) for file in single.route_files)
    path.write_text(
        f'<configuration><net-file value="{single.net_file}"/><route-files value="{routes}"/>'
        f'<begin value="0"/><end value="{seconds}"/></configuration>',
        encoding="utf-8",
    )
    return str(path)
