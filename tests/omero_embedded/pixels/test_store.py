"""RawPixelsStore through the real client: the rules that shape an uploader."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import Ice
import numpy as np
import omero
import omero.api
import omero.clients
import omero.romio
import pytest
from omero.rtypes import rint

MakePixels = Callable[..., int]


def plane(z: int = 0, c: int = 0, t: int = 0) -> bytes:
    return ((np.arange(48) * 3 + z * 5 + c * 7 + t * 11) % 120).astype(">u2").tobytes()


def opened(client: Any, pixels: int) -> Any:
    store = client.sf.createRawPixelsStore()
    store.setPixelsId(pixels, False)
    return store


def sha1(client: Any, pixels: int) -> str:
    return str(client.sf.getQueryService().get("Pixels", pixels).sha1.val)


def test_what_is_written_reads_back(omero_client: Any, make_pixels: MakePixels) -> None:
    store = opened(omero_client, make_pixels())
    store.setPlane(plane(1, 0, 1), 1, 0, 1)
    assert store.getPlane(1, 0, 1) == plane(1, 0, 1)
    assert store.getPlane(0, 0, 0) == bytes(96)
    store.setStack(plane(0, 1, 0) + plane(1, 1, 0), 0, 1, 0)
    assert store.getStack(1, 0) == plane(0, 1, 0) + plane(1, 1, 0)
    whole = b"".join(plane(z, c, 0) for c in range(2) for z in range(2))
    store.setTimepoint(whole, 0)
    assert store.getTimepoint(0) == whole
    store.setRow(plane()[16:32], 0, 0, 0, 0)
    assert store.getRow(0, 0, 0, 0) == plane()[16:32]
    store.setRegion(4, 0, b"\1\2\3\4")
    assert store.getRegion(6, 0) == b"\1\2\3\4" + plane()[20:22]


def test_saving_sets_the_digest_and_says_so_once(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    store = opened(omero_client, pixels)
    store.setPlane(plane(), 0, 0, 0)
    assert sha1(omero_client, pixels) == "Pending..."
    digest = hashlib.sha1(plane() + bytes(7 * 96)).hexdigest()
    assert store.save().sha1.val == digest
    assert sha1(omero_client, pixels) == digest
    assert store.calculateMessageDigest().hex() == digest
    assert store.save() is None


def test_closing_does_what_saving_does(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels()
    store = opened(omero_client, pixels)
    store.setPlane(plane(), 0, 0, 0)
    store.close()
    assert sha1(omero_client, pixels) == hashlib.sha1(plane() + bytes(7 * 96)).hexdigest()
    with pytest.raises(Ice.ObjectNotExistException):
        store.getPlane(0, 0, 0)


def test_reading_alone_leaves_the_digest_pending(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    store = opened(omero_client, pixels)
    store.getPlane(0, 0, 0)
    store.close()
    assert sha1(omero_client, pixels) == "Pending..."


def test_whoever_comes_after_the_first_plane_may_only_read(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    first, second = opened(omero_client, pixels), opened(omero_client, pixels)
    first.setPlane(plane(), 0, 0, 0)
    second.setPlane(plane(1), 1, 0, 0)
    late = opened(omero_client, pixels)
    assert late.getPlane(1, 0, 0) == plane(1)
    with pytest.raises(omero.ApiUsageException, match="Write-method not permitted"):
        late.setPlane(plane(), 0, 1, 0)
    first.save()
    first.setPlane(plane(0, 1), 0, 1, 0)
    assert second.getPlane(0, 1, 0) == plane(0, 1)


def test_a_client_that_dies_leaves_a_digest_and_read_only_pixels(
    omero_new_user: Callable[..., Any], omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    other = omero.client(
        omero_client.getProperty("omero.host"), int(omero_client.getProperty("omero.port"))
    )
    other.joinSession(omero_client.getSessionId())
    alone = omero_new_user(
        group=omero_client.sf.getAdminService().getEventContext().groupId, leader=True
    ).log_in()
    store = opened(alone, pixels)
    store.setPlane(plane(), 0, 0, 0)
    alone.killSession()
    assert sha1(omero_client, pixels) == hashlib.sha1(plane() + bytes(7 * 96)).hexdigest()
    with pytest.raises(omero.ApiUsageException, match="Write-method not permitted"):
        opened(omero_client, pixels).setPlane(plane(1), 1, 0, 0)
    other.closeSession()


def test_after_a_failed_call_saving_succeeds_but_sets_no_digest(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    spoilt, witness = opened(omero_client, pixels), opened(omero_client, pixels)
    with pytest.raises(omero.ResourceError, match="BufferUnderflowException"):
        spoilt.setPlane(plane()[:-2], 0, 0, 0)
    spoilt.setPlane(plane(), 0, 0, 0)
    assert spoilt.save().sha1.val == hashlib.sha1(plane() + bytes(7 * 96)).hexdigest()
    spoilt.close()
    assert sha1(omero_client, pixels) == "Pending..."
    assert witness.getPlane(0, 0, 0) == plane()
    witness.setPlane(plane(), 0, 0, 0)
    witness.close()
    assert sha1(omero_client, pixels) == hashlib.sha1(plane() + bytes(7 * 96)).hexdigest()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s: s.setPlane(plane() + b"\0\0", 0, 0, 0), omero.ResourceError),
        (lambda s: s.setPlane(b"", 0, 0, 0), omero.ResourceError),
        (lambda s: s.setStack(plane(), 0, 0, 0), omero.ResourceError),
        (lambda s: s.setTimepoint(plane(), 0), omero.ResourceError),
        (lambda s: s.setRow(plane(), 6, 0, 0, 0), omero.ApiUsageException),
        (lambda s: s.setRegion(100, 0, b"\0"), omero.ApiUsageException),
        (lambda s: s.setRegion(2, -1, b"\0\0"), omero.ApiUsageException),
        (lambda s: s.setPlane(plane(), 2, 0, 0), omero.ApiUsageException),
        (lambda s: s.setPlane(plane(), 0, 0, -1), omero.ApiUsageException),
        (lambda s: s.getRow(6, 0, 0, 0), omero.ApiUsageException),
        (lambda s: s.getCol(8, 0, 0, 0), omero.InternalException),
        (lambda s: s.getTile(0, 0, 0, 6, 0, 5, 1), omero.ApiUsageException),
        (lambda s: s.getPlaneRegion(0, 0, 0, 10, 40), omero.ResourceError),
        (lambda s: s.getPlaneRegion(0, 0, 0, 1, 49), omero.ApiUsageException),
        (lambda s: s.getHypercube([0], [1], [1]), omero.InternalException),
        (lambda s: s.getRegion(-1, 0), omero.ApiUsageException),
        (lambda s: s.prepare([]), omero.ApiUsageException),
        (lambda s: s.setResolutionLevel(0), omero.InternalException),
        (lambda s: s.setTile(b"\0\0", 0, 0, 0, 1, 1, 1, 1), omero.InternalException),
        (lambda s: s.findMinMax([5]), omero.InternalException),
    ],
)
def test_wrong_calls_raise_and_right_ones_go_on(
    omero_client: Any,
    make_pixels: MakePixels,
    call: Callable[[Any], object],
    error: type[Exception],
) -> None:
    store = opened(omero_client, make_pixels())
    with pytest.raises(error):
        call(store)
    store.setPlane(plane(), 0, 0, 0)
    assert store.getPlane(0, 0, 0) == plane()


@pytest.mark.parametrize(
    ("call", "java"),
    [
        (lambda s: s.getCol(8, 0, 0, 0), "java.lang.IndexOutOfBoundsException"),
        (lambda s: s.getHistogram([5], 8, False, None), "java.lang.IndexOutOfBoundsException"),
        (lambda s: s.getTile(0, 0, 0, 5, 0, -2, 1), "java.lang.NegativeArraySizeException"),
        (lambda s: s.getPlaneRegion(0, 0, 0, -1, 0), "java.lang.NegativeArraySizeException"),
        (
            lambda s: s.getHypercube([0, 0, 0, 0, 9], [1] * 5, [1] * 5),
            "ome.io.nio.DimensionsOutOfBoundsException",
        ),
        (
            lambda s: s.getHypercube([0] * 5, [1] * 5, [0] * 5),
            "ome.io.nio.DimensionsOutOfBoundsException",
        ),
        (lambda s: s.setTile(bytes(96), 0, 0, 9, 0, 0, 8, 6), "java.lang.RuntimeException"),
    ],
)
def test_what_the_real_server_does_not_catch_comes_by_the_name_that_java_gives_it(
    omero_client: Any, make_pixels: MakePixels, call: Callable[[Any], object], java: str
) -> None:
    with pytest.raises(omero.InternalException, match=rf"Wrapped Exception: \({re.escape(java)}\)"):
        call(opened(omero_client, make_pixels()))


def test_a_row_is_written_as_long_as_the_bytes_are(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    store = opened(omero_client, make_pixels())
    store.setRow(bytes([7]) * 20, 1, 0, 0, 0)
    assert store.getPlane(0, 0, 0) == bytes(16) + bytes([7]) * 20 + bytes(60)
    store.setRow(b"\1\2", 0, 0, 0, 0)
    assert store.getRow(0, 0, 0, 0) == b"\1\2" + bytes(14)


def test_what_is_written_behind_the_last_plane_is_no_part_of_the_digest(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    store = opened(omero_client, make_pixels())
    store.setRegion(2, 768, b"\1\2")
    assert store.getRegion(3, 768) == b"\1\2\0"
    assert store.calculateMessageDigest() == hashlib.sha1(bytes(768)).digest()


def test_a_column_stops_where_signed_integers_do(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    store = opened(omero_client, make_pixels(x=1, y=2, z=1, c=1, t=1, kind="uint32"))
    store.setPlane(b"\xff\xff\xff\xff\0\0\0\1", 0, 0, 0)
    assert store.getCol(0, 0, 0, 0) == b"\x7f\xff\xff\xff\0\0\0\1"
    assert store.getRow(0, 0, 0, 0) == b"\xff\xff\xff\xff"


def test_extremes_begin_at_the_ends_of_the_range_that_counts(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(x=2, y=1, z=1, c=1, t=1)
    query, update = omero_client.sf.getQueryService(), omero_client.sf.getUpdateService()
    row = query.get("Pixels", pixels)
    row.significantBits = rint(8)
    update.saveObject(row)
    store = opened(omero_client, pixels)
    store.setPlane(b"\1\x2c\1\x90", 0, 0, 0)  # 300, 400
    assert store.findMinMax([0]) == {0: [255.0, 400.0]}


def test_an_id_that_there_is_not_is_not_looked_for_twice(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    store = opened(omero_client, make_pixels())
    with pytest.raises(omero.ValidationException):
        store.setPixelsId(2**40, False)
    store.setPixelsId(2**40, False)
    with pytest.raises(omero.ApiUsageException, match="not been properly initialized"):
        store.getPlane(0, 0, 0)
    other = make_pixels()
    store.setPixelsId(other, False)
    assert store.getPixelsId() == other


def test_a_store_without_pixels_says_what_to_do(omero_client: Any) -> None:
    store = omero_client.sf.createRawPixelsStore()
    with pytest.raises(omero.ApiUsageException, match="not been properly initialized"):
        store.getPlane(0, 0, 0)
    with pytest.raises(omero.ValidationException, match="Cannot read pixels id=999999999"):
        store.setPixelsId(999999999, False)


def test_pixels_of_a_private_group_cannot_be_opened_by_others(
    omero_new_user: Callable[..., Any], make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    stranger = omero_new_user().log_in()
    with pytest.raises(omero.ValidationException, match="Cannot read pixels"):
        opened(stranger, pixels)
    stranger.closeSession()


def test_sizes_and_offsets(omero_client: Any, make_pixels: MakePixels) -> None:
    store = opened(omero_client, make_pixels(kind="float"))
    sizes = (
        store.getRowSize(),
        store.getPlaneSize(),
        store.getStackSize(),
        store.getTimepointSize(),
    )
    assert sizes == (32, 192, 384, 768)
    assert store.getTotalSize() == 1536
    assert store.getRowOffset(1, 1, 1, 1) == 768 + 384 + 192 + 32
    assert store.getTimepointOffset(1) == 768
    assert (store.getByteWidth(), store.isFloat(), store.isSigned()) == (4, True, True)
    assert list(store.getTileSize()) == [8, 6]
    assert store.getResolutionLevels() == 1
    assert [(d.sizeX, d.sizeY) for d in store.getResolutionDescriptions()] == [(8, 6)]


def test_histograms_and_extremes(omero_client: Any, make_pixels: MakePixels) -> None:
    store = opened(omero_client, make_pixels(filled=True))
    definition = omero.romio.PlaneDef(omero.romio.XY, 0, 0, 0, 0, None, -1)
    assert store.getHistogram([0, 1], 8, False, definition) == {
        0: [10, 8, 5, 5, 5, 5, 5, 5],
        1: [8, 10, 5, 5, 5, 5, 5, 5],
    }
    assert store.findMinMax([0, 1]) == {0: [0.0, 117.0], 1: [1.0, 118.0]}
    definition.region = omero.romio.RegionDef(2, 1, 3, 2)
    assert sum(store.getHistogram([0], 8, False, definition)[0]) == 6


def test_a_deleted_image_does_not_stop_those_who_have_it_open(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    store = opened(omero_client, pixels)
    store.setPlane(plane(), 0, 0, 0)
    image = omero_client.sf.getQueryService().get("Pixels", pixels).image.id.val
    omero_client.submit(omero.cmd.Delete2(targetObjects={"Image": [image]}))
    assert store.getPlane(0, 0, 0) == plane()
    assert store.getStack(0, 0)[: len(plane())] == plane()
    assert len(store.calculateMessageDigest()) == 20
    with pytest.raises(omero.InternalException, match="ObjectNotFoundException"):
        store.save()
    store.close()


def test_a_big_image_is_written_by_tiles_and_read_at_six_resolutions(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(3200, 3200, 1, 1, 1, "uint8")
    store = opened(omero_client, pixels)
    assert store.requiresPixelsPyramid()
    assert list(store.getTileSize()) == [256, 256]
    for y in range(0, 3200, 256):
        for x in range(0, 3200, 256):
            w, h = min(256, 3200 - x), min(256, 3200 - y)
            store.setTile(b"\7" * (w * h), 0, 0, 0, x, y, w, h)
    store.close()
    store = opened(omero_client, pixels)
    assert (store.getResolutionLevels(), store.getResolutionLevel()) == (6, 5)
    assert store.getTile(0, 0, 0, 3100, 3100, 100, 100) == b"\7" * 10000
    store.setResolutionLevel(0)
    assert store.getPlane(0, 0, 0) == b"\7" * 10000
    assert sha1(omero_client, pixels) == hashlib.sha1(b"\7" * 3200 * 3200).hexdigest()


def test_what_a_big_image_refuses_while_it_is_written(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(3200, 3200, 1, 1, 1, "uint8")
    store = opened(omero_client, pixels)
    with pytest.raises(omero.ApiUsageException, match="In write mode!"):
        store.getResolutionLevels()
    with pytest.raises(omero.InternalException, match="UnsupportedOperation"):
        store.setPlane(bytes(3200 * 3200), 0, 0, 0)
    with pytest.raises(omero.LockTimeout):
        opened(omero_client, pixels)
    store.close()
    with pytest.raises(omero.ResourceError, match="Error instantiating pixel buffer"):
        opened(omero_client, pixels)


def test_many_stores_write_one_image_at_once(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(z=4, c=4, t=4)
    stores = [opened(omero_client, pixels) for _ in range(4)]
    indexes = [(z, c, t) for t in range(4) for c in range(4) for z in range(4)]
    for start in range(0, len(indexes), 4):
        at_once = [
            store.begin_setPlane(plane(*index), *index)
            for store, index in zip(stores, indexes[start : start + 4], strict=True)
        ]
        for store, result in zip(stores, at_once, strict=True):
            store.end_setPlane(result)
    for store in stores:
        store.close()
    whole = b"".join(plane(*index) for index in indexes)
    assert sha1(omero_client, pixels) == hashlib.sha1(whole).hexdigest()


@pytest.mark.parametrize(
    ("kind", "error"), [("complex", omero.ApiUsageException), ("bit", omero.InternalException)]
)
def test_types_that_cannot_be_stored(
    omero_client: Any, make_pixels: MakePixels, kind: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        opened(omero_client, make_pixels(kind=kind))
