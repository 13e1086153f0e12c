"""The journal keeps what is whole and forgets the rest."""

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from pyomero_upload.targets.target import BlockNote, ChannelRange, FileDigest
from pyomero_upload.transfer.journal import BlockLine, Journal, State, finished, read_journal
from pyomero_upload.transfer.manifest import BlankPlane, ImageEntry, Job, Level, PlaneSizes

JOB = Job(folder="/data", format="ome-zarr", levels=None, compression="lz4", processor=None)
NOTE = BlockNote(
    (FileDigest("0/c/0", 10, "ab"),), (("x",),), (ChannelRange(0, 1.0, 2.0, 1.5, 1.8),)
)
LINES = [
    BlockLine(
        image="pos001",
        block=number,
        inputs="i",
        digests=("a", "b"),
        source_digests=(),
        blank=(BlankPlane(t=0, c=0, z=1, file="ä\n.png", message="cut off"),),
        note=NOTE,
    )
    for number in range(3)
]
ENTRY = ImageEntry(
    name="pos002",
    path="pos002.ome.zarr",
    dtype="uint16",
    inputs="i",
    metadata="m",
    digest="d",
    levels=(Level(path="0", sizes=PlaneSizes(t=1, c=1, z=1, y=2, x=3), digests=("a",)),),
    source=None,
    missing=(),
    blank=(),
    files=(FileDigest("zarr.json", 3, "c"),),
)


def written(path):
    journal = Journal(path, State(JOB))
    for line in LINES:
        journal.block(line)
    journal.image(ENTRY)
    journal.close()
    return path


def test_what_was_noted_is_known_to_the_next_run(tmp_path):
    state = read_journal(written(tmp_path / "journal"))
    assert state.job == JOB
    assert state.blocks == {"pos001": {line.block: line for line in LINES}}
    assert state.images == {"pos002": ENTRY}


def test_a_journal_that_goes_on_begins_with_what_is_known(tmp_path):
    state = read_journal(written(tmp_path / "journal"))
    Journal(tmp_path / "journal", state).close()
    assert read_journal(tmp_path / "journal") == state


def test_where_there_is_no_journal_nothing_is_known(tmp_path):
    assert read_journal(tmp_path / "none") == State()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_journal_cut_or_damaged_anywhere_is_known_up_to_there(tmp_path_factory, data):
    path = written(tmp_path_factory.mktemp("journal") / "journal")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    whole = bytes(content[:place]).count(b"\n")
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    state = read_journal(path)
    known = (state.job is not None) + sum(map(len, state.blocks.values())) + len(state.images)
    assert known == whole


def test_a_line_of_another_version_counts_as_never_written(tmp_path):
    content = b'{"kind":"something new"}'
    line = xxhash.xxh3_64_hexdigest(content).encode() + b" " + content + b"\n"
    written(tmp_path / "journal").open("ab").write(line)
    assert read_journal(tmp_path / "journal").images == {"pos002": ENTRY}


def test_an_entry_gives_back_what_its_target_said():
    assert finished(ENTRY).path == "pos002.ome.zarr"
    assert finished(ENTRY).levels == (("0", 2, 3),)


@pytest.mark.parametrize("field", ["folder", "format", "levels", "compression", "processor"])
def test_every_part_of_a_job_makes_it_another(field):
    other = {
        "folder": "/b",
        "format": "ome-tiff",
        "levels": 1,
        "compression": "none",
        "processor": "max-z",
    }
    assert JOB.model_copy(update={field: other[field]}) != JOB
