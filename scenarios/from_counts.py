"""From counts to a scenario: a route file, how it fits, and a configuration that runs."""

from dataclasses import dataclass
from pathlib import Path

from scenarios.counts import read_counts
from scenarios.geh import fits_csv
from scenarios.sampling import DEFAULT_SEED, Sampled, routes_xml, sample
from scenarios.street_graph import read_streets
from scenarios.sumo_cfg import OwnFiles
from scenarios.sumo_options import taken_over
from scenarios.written import OwnConfiguration, check_ours, write_sumocfg
from signals.errors import ConfigError

NET_ENDINGS = (".gz", ".xml", ".net")


@dataclass(frozen=True)
class CountedDemand:
    """What was written, and what it holds."""

    configuration: Path
    route_file: Path
    fit_file: Path
    sampled: Sampled


def net_name(net_file: Path) -> str:
    """The network's name without `.net.xml.gz`."""
    name = net_file.name
    for ending in NET_ENDINGS:
        name = name.removesuffix(ending)
    return name


def demand_from_counts(counts_file: Path, streets: OwnFiles, folder: Path, seed: int = DEFAULT_SEED) -> CountedDemand:
    """Write `<network>.rou.xml`, `<network>.geh.csv` and `<network>.sumocfg` into the folder."""
    name = net_name(streets.net_file)
    made = [folder / f"{name}.{kind}" for kind in ("sumocfg", "rou.xml", "geh.csv")]
    configuration, route_file, fit_file = made
    if not configuration.is_file() and (route_file.exists() or fit_file.exists()):
        raise ConfigError(f"{folder}: has a {name}.rou.xml or {name}.geh.csv that is not ours; name another with --out")
    check_ours(configuration)
    graph = read_streets(streets.net_file)
    counts = read_counts(counts_file, graph)
    sampled = sample(graph, counts, seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        route_file.write_text(routes_xml(sampled), encoding="utf-8")
        fit_file.write_text(fits_csv(sampled.fits), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}") from error
    begin_s, end_s = min(count.begin_s for count in counts), max(count.end_s for count in counts)
    options = taken_over(streets.options)
    if streets.step_length_s != 1.0:
        options["step-length"] = f"{streets.step_length_s:g}"
    said = OwnConfiguration(streets.net_file, (route_file,), streets.additional_files, begin_s, end_s, options)
    write_sumocfg(configuration, said)
    return CountedDemand(configuration, route_file, fit_file, sampled)
