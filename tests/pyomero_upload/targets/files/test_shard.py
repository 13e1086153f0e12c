"""Our own shards, read by the libraries that others read them with."""

import json

import numpy as np
import pytest
import tensorstore
from hypothesis import given, settings
from hypothesis import strategies as st

from pyomero_upload.targets.digest import file_digest
from pyomero_upload.targets.files.shard import ShardWriter
from pyomero_upload.targets.files.zarr_metadata import array_json


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
@settings(max_examples=25, deadline=None)
def test_chunks_may_come_in_any_order_and_some_never(tmp_path_factory, order, absent):
    folder = tmp_path_factory.mktemp("shard")
    pixels = np.random.default_rng(0).integers(1, 999, (1, 2, 3, 4, 5)).astype("<u2")
    (folder / "zarr.json").write_bytes(
        array_json(pixels.shape, (1, 1, 1, 4, 5), pixels.shape, "uint16", [])
    )
    with ShardWriter(folder / "c/0/0/0/0/0", 6) as shard:
        for number in order:
            if number not in absent:
                shard.add(number, pixels[0, number // 3, number % 3].tobytes())
        digest = shard.finish("shard")
    for number in absent:
        pixels[0, number // 3, number % 3] = 0
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(folder)}}
    np.testing.assert_array_equal(tensorstore.open(spec).result().read().result(), pixels)
    assert digest == file_digest(folder / "c/0/0/0/0/0", "shard")


def test_a_shard_opens_in_zarr_python(tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3")
    pixels = np.arange(40, dtype="<f4").reshape(1, 1, 2, 4, 5)
    (tmp_path / "zarr.json").write_bytes(
        array_json(pixels.shape, (1, 1, 1, 4, 5), pixels.shape, "float32", [])
    )
    with ShardWriter(tmp_path / "c/0/0/0/0/0", 2) as shard:
        shard.add(1, pixels[0, 0, 1].tobytes())
        shard.add(0, pixels[0, 0, 0].tobytes())
        shard.finish("shard")
    np.testing.assert_array_equal(zarr.open_array(tmp_path, mode="r")[:], pixels)


def test_pixels_of_one_byte_have_no_byte_order():
    document = json.loads(array_json((1,) * 5, (1,) * 5, (1,) * 5, "uint8", []))
    assert document["codecs"][0]["configuration"]["codecs"] == [{"name": "bytes"}]
