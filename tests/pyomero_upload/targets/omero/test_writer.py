"""How an image is cut into calls."""

import pytest

from pyomero_upload.model import Channel, Hypercube, PlaneIndex, PlaneSource, Sizes
from pyomero_upload.targets.omero.writer import MOST_BYTES, Buffers, _groups, best_call


def image(t, c, z, side, dtype="uint16", *, processed=False):
    sizes = Sizes(t, c, z, side, side)
    made = Hypercube("i", sizes, dtype, tuple(Channel(str(n)) for n in range(c)), {})
    planes = {} if processed else {index: PlaneSource("f") for index in made.indexes()}
    return Hypercube("i", sizes, dtype, made.channels, planes)


def blocks(made, *, pyramid=False):
    size = made.sizes.y * made.sizes.x * (1 if made.dtype == "uint8" else 2)
    return list(_groups(made, best_call(made, pyramid=pyramid), size))


@pytest.mark.parametrize(
    ("made", "call"),
    [
        (image(3, 2, 5, 64), "timepoint"),
        (image(3, 3, 1, 512), "timepoint"),
        (image(3, 3, 5, 512), "stack"),
        (image(3, 1, 5, 512), "timepoint"),
        (image(3, 3, 1, 2048), "planes"),
        (image(3, 3, 100, 2048), "planes"),
        (image(3, 1, 1, 512), "planes"),
        (image(1, 1, 1, 4), "planes"),
    ],
    ids=lambda value: str(getattr(value, "sizes", value)),
)
def test_the_call_is_the_biggest_that_is_worth_it(made, call):
    assert best_call(made, pyramid=False) == call


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("pyramid", [False, True])
@pytest.mark.parametrize("sizes", [(3, 2, 5, 64), (3, 3, 5, 512), (40, 1, 1, 512), (2, 2, 7, 2048)])
def test_blocks_hold_every_plane_once_in_the_servers_order(sizes, pyramid, processed):
    made = image(*sizes, processed=processed)
    assert [index for block in blocks(made, pyramid=pyramid) for index in block] == [
        *made.indexes()
    ]


def test_a_block_is_no_bigger_than_a_message_may_be():
    for sizes in [(3, 2, 5, 64), (3, 3, 5, 512), (40, 1, 1, 512), (2, 2, 7, 2048), (9, 4, 2, 1500)]:
        made = image(*sizes)
        assert max(map(len, blocks(made))) * sizes[3] ** 2 * 2 <= MOST_BYTES


def test_a_processor_gets_whole_stacks_of_any_size():
    made = image(2, 2, 7, 2048, processed=True)
    assert [len(block) for block in blocks(made)] == [7] * 4


def test_a_small_time_lapse_of_one_channel_goes_in_runs_of_planes():
    made = image(40, 1, 1, 512, "uint8")
    assert [len(block) for block in blocks(made)] == [16, 16, 8]
    assert blocks(made)[1][0] == PlaneIndex(16, 0, 0)


def test_memory_is_used_again():
    buffers = Buffers()
    with buffers.taken(10) as first:
        pass
    with buffers.taken(8) as second:
        assert second is first
        with buffers.taken(8) as third:
            assert third is not first
    with buffers.taken(100) as larger:
        assert len(larger) == 100
