"""Econolite's `.datZ`, in and out: zlib over a text header and four bytes an event.

The header is seven lines, each begun by the time at which the log starts, the last with "Phases in use:". After it
come big-endian records: code (1 byte), parameter (1), tenths of a second since the start (2). A file is one device's;
the device and the start are in its name too, `ECON_<device>_YYYY_MM_DD_HHMM.datZ`. A folder of them is one log.
"""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from formats.errors import FormatError
from formats.findings import Findings
from formats.rows import EVENTS
from formats.source import Source

MARK, HEADER_LIMIT, PIECE = b"Phases in use:", 1 << 16, 256
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECORD = np.dtype([("code", "u1"), ("parameter", "u1"), ("tenths", ">u2")])
NAME = re.compile(r"(?P<device>.*?)_?(?P<start>\d{4}_\d{2}_\d{2}_\d{4})$")
HEADER_TIMES = ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S")


def files(path: Path) -> list[Path]:
    """The file, or the folder's files in the order of their names, which is that of their times."""
    if not path.is_dir():
        return [path]
    found = [file for file in path.iterdir() if file.suffix.lower() in (".datz", ".dat")]
    starts = {file: match["start"] if (match := NAME.match(file.stem)) else "" for file in found}
    return sorted(found, key=lambda file: (starts[file], file.name))


def read(source: Source) -> Iterator[pd.DataFrame]:
    found = files(source.path)
    total, done = sum(file.stat().st_size for file in found), 0
    for file in found:
        yield from _read_file(file, source.findings)
        done += file.stat().st_size
        source.progress(done, total)


def _read_file(file: Path, findings: Findings) -> Iterator[pd.DataFrame]:
    pieces = _unpacked(file, findings)
    beginning = b""
    while b"\n" not in beginning.partition(MARK)[2]:
        piece = next(pieces, b"")
        if not piece or len(beginning) > HEADER_LIMIT:
            findings.broken.add(f"{file.name} has no line with {MARK.decode()!r}; it is left out", [1])
            return
        beginning += piece
    header, _, rest = beginning.partition(MARK)
    device, start_s = _origin(file, header.decode("latin-1"), findings)
    if start_s is None:
        findings.broken.add(f"{file.name} does not say when it starts; it is left out", [1])
        return
    yield from _records(rest.partition(b"\n")[2], pieces, file, device, start_s, findings)


def _unpacked(file: Path, findings: Findings) -> Iterator[bytes]:
    """The content piece by piece, small ones, so that of a damaged file what came before is kept nearly whole."""
    unpack = zlib.decompressobj()
    with file.open("rb") as stream:
        packed = stream.read(PIECE)
        if packed[:1] != b"\x78":  # an older firmware's .dat is not compressed
            while packed:
                yield packed
                packed = stream.read(PIECE)
            return
        try:
            while packed and not unpack.eof:
                yield unpack.decompress(packed, HEADER_LIMIT)
                packed = unpack.unconsumed_tail or stream.read(PIECE)
            while piece := unpack.decompress(unpack.unconsumed_tail, HEADER_LIMIT):
                yield piece
        except zlib.error as error:
            findings.broken.add(f"{file.name} is damaged ({error}); what came before is kept", [1])
            return
    if not unpack.eof:
        findings.broken.add(f"{file.name} ends early; what came before is kept", [1])


def _records(
    data: bytes, pieces: Iterator[bytes], file: Path, device: str, start_s: float, findings: Findings
) -> Iterator[pd.DataFrame]:
    number = 0
    while True:
        whole = len(data) // RECORD.itemsize * RECORD.itemsize
        records = np.frombuffer(data[:whole], RECORD)
        data, number = data[whole:], number + len(records)
        findings.rows += len(records)
        if len(records):
            yield _table(records, device, start_s)
        piece = next(pieces, None)
        if piece is None:
            break
        data += piece
    if data:
        findings.broken.add(f"{file.name} ends within a record", [number + 1])


def _table(records: np.ndarray, device: str, start_s: float) -> pd.DataFrame:
    table = {
        "time_s": np.round(start_s + records["tenths"].astype(float) / 10.0, 1),
        "device": np.full(len(records), device, dtype=object),
        "code": records["code"].astype("int64"),
        "parameter": records["parameter"].astype("int64"),
    }
    return pd.DataFrame(table, columns=list(EVENTS))


def _origin(file: Path, header: str, findings: Findings) -> tuple[str, float | None]:
    """Device and start; the header's start is to the second, the name's to the minute."""
    name = NAME.match(file.stem)
    device = (name["device"] if name else file.stem).replace("ECON_", "").strip("_") or file.stem
    in_name = _seconds(name["start"], ("%Y_%m_%d_%H%M",)) if name else None
    in_header = _seconds(header.partition(",")[0].strip(), HEADER_TIMES)
    if in_name is not None and in_header is not None and abs(in_header - in_name) >= 60.0:
        findings.notice(f"{file.name}: its name and its header give different times; the header's is taken")
    return device, in_header if in_header is not None else in_name


def _seconds(text: str, formats: tuple[str, ...]) -> float | None:
    for written_as in formats:
        try:
            return (datetime.strptime(text, written_as).replace(tzinfo=UTC) - EPOCH).total_seconds()
        except ValueError:
            continue
    return None


def packed(device: str, start_s: float, codes: np.ndarray, parameters: np.ndarray, time_s: np.ndarray) -> bytes:
    """One file's bytes. Raises `FormatError` for what its four bytes an event cannot hold."""
    for what, values in (("code", codes), ("parameter", parameters)):
        wrong = values[(values < 0) | (values > 255)]
        if len(wrong):
            raise FormatError(f".datZ: event {what} = {wrong[0]}, must be 0 to 255")
    tenths = np.round((time_s - start_s) * 10.0)
    if len(tenths) and not 0 <= tenths.min() <= tenths.max() <= 65_535:
        raise FormatError(f".datZ: {time_s.max() - start_s:.1f} s after the file's start, must be 0 to 6553.5")
    records = np.empty(len(codes), RECORD)
    records["code"], records["parameter"], records["tenths"] = codes, parameters, tenths
    return zlib.compress(_header(device, start_s, codes, parameters).encode("ascii") + records.tobytes())


def _header(device: str, start_s: float, codes: np.ndarray, parameters: np.ndarray) -> str:
    began = (EPOCH + timedelta(seconds=start_s)).strftime("%m/%d/%Y %H:%M:%S")
    phases = ",".join(str(phase) for phase in np.unique(parameters[codes == 1]))
    lines = (
        "Version #:,3",
        file_name(device, start_s),
        f"Intersection #:,{device}",
        "IP Address:,0.0.0.0",
        "MAC Address:,00:00:00:00:00:00",
        f"Controller Data Log Beginning:,{began}",
        f"{MARK.decode()},{phases}",
    )
    return "".join(f"{began},{line}\n" for line in lines)


def file_name(device: str, start_s: float) -> str:
    return f"ECON_{device}_{EPOCH + timedelta(seconds=start_s):%Y_%m_%d_%H%M}.datZ"
