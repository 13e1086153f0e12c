"""Digests of what things are made from, to know after a break what is still the same.

Stands between the plan and the journal. Where a tool or a time of day is part of the provenance, it is left out: the same
folder with the same settings is the same job on another day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields

import xxhash

from pyomero_upload.model import Dataset, FileStat, Hypercube, Plan, PlaneIndex
from pyomero_upload.targets.target import Block


def image_inputs(image: Hypercube, source: Hypercube, plan: Plan) -> str:
    """Return the digest of what decides about an image's pixels."""
    hasher = xxhash.xxh3_128(_shape(image, source, plan.processor))
    hasher.update(repr((image.sizes.t, sorted(source.missing))).encode())
    for part in _sources(sorted(source.planes), source, plan.source.files):
        hasher.update(part)
    return hasher.hexdigest()


def block_inputs(image: Hypercube, source: Hypercube, plan: Plan, block: Block) -> str:
    """Return the digest of what decides about the pixels of one block."""
    hasher = xxhash.xxh3_128(_shape(image, source, plan.processor))
    hasher.update(repr(block.indexes).encode())
    stacks = dict.fromkeys((index.t, index.c) for index in block.indexes)
    indexes: Iterable[PlaneIndex] = (
        block.indexes
        if plan.processor is None
        else (PlaneIndex(t, c, z) for t, c in stacks for z in range(source.sizes.z))
    )
    for part in _sources(indexes, source, plan.source.files):
        hasher.update(part)
    return hasher.hexdigest()


def dataset_metadata(dataset: Dataset) -> str:
    """Return the digest of what is said about all images together."""
    hasher = xxhash.xxh3_128()
    for field in fields(dataset):
        if field.name != "tables":
            hasher.update(
                repr((field.name, getattr(dataset, field.name))).encode("utf-8", "backslashreplace")
            )
    for table in dataset.tables:
        hasher.update(
            f"{table.name}\n{table.frame.to_csv(index=False)}".encode("utf-8", "backslashreplace")
        )
    return hasher.hexdigest()


def image_metadata(image: Hypercube, dataset_digest: str) -> str:
    """Return the digest of what is said about an image."""
    hasher = xxhash.xxh3_128(dataset_digest.encode())
    said = (
        image.name,
        image.channels,
        image.physical_size_um,
        image.time_increment_s,
        image.stage,
        image.acquired,
        # Indexes differ, so infos, which have no order, are never compared.
        sorted(image.plane_infos.items()),
    )
    hasher.update(repr(said).encode("utf-8", "backslashreplace"))
    if image.rois:
        hasher.update(repr(image.rois).encode("utf-8", "backslashreplace"))
    return hasher.hexdigest()


def _shape(image: Hypercube, source: Hypercube, processor: str | None) -> bytes:
    """Return what all blocks of an image have in common; the number of time points is not among it."""
    return repr((image.sizes[1:], image.dtype, source.sizes[1:], source.dtype, processor)).encode(
        "utf-8", "backslashreplace"
    )


def _sources(
    indexes: Iterable[PlaneIndex], source: Hypercube, files: Mapping[str, FileStat]
) -> Iterable[bytes]:
    for index in indexes:
        where = source.planes.get(index)
        if where is not None:
            stat = files.get(where.path)
            # Tuples print fast and without doubt where one part ends.
            yield repr((tuple(index), tuple(where), stat and tuple(stat))).encode(
                "utf-8", "backslashreplace"
            )
