"""Whatever stands in a text file: the parsers never raise, never hang, and name the file in every problem."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyomero_upload.metadata import AcqMetadataParser, LogMetadataParser, complete_channels
from pyomero_upload.model import Channel, Metadata

DEMO_ACQ = "microscope1_Acq.txt"
DEMO_LOG = "microscope1_log.txt"
GENERATION_3 = b"""\
Swain Lab microscope experiment log file
Experiment details: Aim: a Strain: b Comments: c
-----Acquisition settings-----
2022-10-10 15:31:27,350 - INFO Image Configs:
Image config,Channel,Description,Exposure (ms), Number of Z sections,Z spacing (um),Sectioning method
GFP,GFPFast,Default GFP,30,3,0.8,PIFOC
Z settings:
sections,spacing,method
5,0.6,PIFOC
Device properties:
Image config,device,property,value
GFP,DTOL-DAC-2,Volts,4
group: YST_247 field: position
Name, X, Y, Z, Autofocus offset
YST_247_001,-8968,-3319,2731.125,123.25
group: YST_247 field: time
start: 0
interval: 300
frames: 180
group: YST_247 field: config
GFP: 0xfff
-----Experiment started-----
2022-10-10 15:31:28,365 - INFO Position:1,YST_247_001
"""
PARSERS = {"a_Acq.txt": AcqMetadataParser, "a_log.txt": LogMetadataParser}
FRAGMENTS = [
    b"Channels:", b"Points:", b"Z_sectioning:", b"Time_settings:", b"Flow_control:", b"Dynamic flow details:", b"Times:",
    b"Channel name, Exposure time", b"Position name, X position", b"Flow post switch:", b"Number of pump changes:", b"NaN",
    b"Experiment details:", b"Aim:", b"Strain:", b"Omero tags:", b"Image config,Channel", b"group: a field: time", b"-1",
    b"Experiment started at:", b"------Time point_", b"Position:1,a", b"Channel:GFP set at:", b"28-Sep-2018 17:18:15",
    b"2022-10-10 15:31:27,350 - INFO ", b"Exposure time:", b"Moved to X:1, Y:", b"1e999", b"\x00", b"\xff\xfe", b"\n", b",",
]  # fmt: skip


def read(name: str, raw: bytes) -> Metadata:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(raw)
        found = PARSERS[name]().extract_metadata(str(path))
    for problem in found.problems:
        assert problem.where.startswith(name)
        assert problem.message
        assert problem.severity in ("warning", "info")
    for table in found.tables:
        assert table.frame.columns.is_unique
    assert all(channel.name for channel in found.channels)
    return found


@pytest.mark.parametrize("name", PARSERS)
@given(raw=st.binary(max_size=400))
@settings(deadline=None, max_examples=60)
def test_any_bytes(name: str, raw: bytes):
    read(name, raw)


@pytest.mark.parametrize("name", PARSERS)
@given(pieces=st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=6), max_size=40))
@settings(deadline=None, max_examples=100)
def test_any_sequence_of_what_the_files_consist_of(name: str, pieces: list[bytes]):
    read(name, b"".join(pieces))


@pytest.mark.parametrize("source", [DEMO_ACQ, DEMO_LOG, "generation 3"])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_any_change_of_a_real_file(demo: Path, source: str, data: st.DataObject):
    raw = GENERATION_3 if source == "generation 3" else (demo / source).read_bytes()[:6000]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 60)))
        raw = (
            raw[:start] + data.draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=10)) + raw[end:]
        )
    read("a_Acq.txt" if source == DEMO_ACQ else "a_log.txt", raw)


@pytest.mark.parametrize(
    "piece", [b"\n", b",", b" ", b"Aim:", b"-", b"Channel:", b"GFP,1\n", b"\r", b"group: ", b"("]
)
@pytest.mark.parametrize("name", PARSERS)
def test_long_repetitions_do_not_hang(name: str, piece: bytes):
    start = b"Channels:\nExperiment details:\n" if piece == b"Aim:" else b"Channels:\n"
    read(name, start + piece * 20_000)


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_channel_name(names: list[str]):
    channels, _ = complete_channels([Channel(name) for name in names])
    assert [channel.name for channel in channels] == names
    assert all(channel.color for channel in channels)
