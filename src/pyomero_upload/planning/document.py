"""The plan as a document: JSON for programs, with a published schema, and the digest that names a plan.

The keys and their meaning are promised: a change of meaning changes `schema`.
"""

import json
from dataclasses import asdict
from typing import Any

import xxhash

from pyomero_upload.model import Channel, Hypercube, Plan, Point, Table

SCHEMA = 1
Json = dict[str, Any]


def plan_document(plan: Plan) -> Json:
    """Say the plan in plain types, ready for `json.dumps`.

    Indexes count from 0; unknown values are `None`.
    """
    source = plan.source
    return {
        "schema": SCHEMA,
        "digest": plan.digest,
        "source": {
            "folder": str(source.folder),
            "profile": source.profile,
            "files": len(source.files),
            "bytes": sum(stat.size for stat in source.files.values()),
            "unused": list(source.unused),
        },
        "dataset": _dataset(plan),
        "processor": plan.processor,
        "images": [_image(*pair) for pair in plan.pairs],
        "problems": [asdict(problem) for problem in plan.problems],
    }


def _dataset(plan: Plan) -> Json:
    dataset = plan.dataset
    return {
        "name": dataset.name,
        "description": dataset.description,
        "authors": list(dataset.authors),
        "project": dataset.project,
        "tags": list(dataset.tags),
        "key_values": [list(pair) for pair in (*dataset.key_values, *plan.provenance)],
        "tables": [_table(table) for table in dataset.tables],
        "attachments": list(dataset.attachments),
    }


def _table(table: Table) -> Json:
    return {
        "name": table.name,
        "columns": [str(column) for column in table.frame.columns],
        "rows": len(table.frame),
    }


def _image(image: Hypercube, source: Hypercube) -> Json:
    return {
        "name": image.name,
        "sizes": image.sizes._asdict(),
        "dtype": image.dtype,
        "channels": [_channel(channel) for channel in image.channels],
        "physical_size_um": _point(image.physical_size_um),
        "time_increment_s": image.time_increment_s,
        "stage_position_um": _point(image.stage),
        "planes": {
            "expected": len(source.planes) + len(source.missing),
            "present": len(source.planes),
            "missing": [index._asdict() for index in source.missing],
        },
    }


def _channel(channel: Channel) -> Json:
    return {
        "name": channel.name,
        "label": channel.label,
        "color": channel.color,
        "exposure_ms": channel.exposure_ms,
        "excitation_nm": channel.excitation_nm,
        "emission_nm": channel.emission_nm,
        "em_gain": channel.em_gain,
        "voltage_v": channel.voltage_v,
    }


def _point(point: Point) -> Json:
    return point._asdict()


def plan_digest(plan: Plan) -> str:
    """Name everything that determines the result in 32 hexadecimal digits.

    The same files elsewhere, or touched without a change of size, give the same digest; another name, size, order,
    metadata or processor gives another.
    """
    document = plan_document(plan)
    del document["source"], document["problems"], document["digest"]
    digest = xxhash.xxh3_128()
    digest.update(
        json.dumps(document, ensure_ascii=False, sort_keys=True).encode(errors="surrogateescape")
    )
    for table in plan.dataset.tables:
        digest.update(table.frame.to_csv(index=False).encode())
    for image in plan.images:
        if image.rois:
            digest.update(repr((image.name, image.rois)).encode(errors="backslashreplace"))
    for image in plan.sources:
        lines = [
            f"{t}\t{c}\t{z}\t{path}\t{page}\t{sample}\t{plan.source.files[path].size}"
            for (t, c, z), (path, page, sample, _) in sorted(image.planes.items())
        ]
        digest.update("\n".join([image.name, *lines, ""]).encode(errors="surrogateescape"))
    return digest.hexdigest()


def _nullable(kind: str) -> Json:
    return {"type": [kind, "null"]}


def plan_schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of the document."""
    text: Json = {"type": "string"}
    count: Json = {"type": "integer", "minimum": 0}
    point = _record({axis: _nullable("number") for axis in "xyz"})
    channel = _record(
        {
            "name": text,
            "label": _nullable("string"),
            "color": {"type": "string", "pattern": "^#[0-9A-F]{6}$"},
            **{
                key: _nullable("number")
                for key in ("exposure_ms", "excitation_nm", "emission_nm", "em_gain", "voltage_v")
            },
        }
    )
    image = _record(
        {
            "name": text,
            "sizes": _record({axis: {"type": "integer", "minimum": 1} for axis in "tczyx"}),
            "dtype": text,
            "channels": _list(channel),
            "physical_size_um": point,
            "time_increment_s": _nullable("number"),
            "stage_position_um": point,
            "planes": _record(
                {
                    "expected": count,
                    "present": count,
                    "missing": _list(_record(dict.fromkeys("tcz", count))),
                }
            ),
        }
    )
    problem = _record(
        {
            "severity": {"enum": ["error", "warning", "info"]},
            **dict.fromkeys(("code", "where", "message", "hint"), text),
        }
    )
    dataset = _record(
        {
            "name": text,
            "description": text,
            "authors": _list(text),
            "project": _nullable("string"),
            "tags": _list(text),
            "key_values": _list({"type": "array", "items": text, "minItems": 2, "maxItems": 2}),
            "tables": _list(_record({"name": text, "columns": _list(text), "rows": count})),
            "attachments": _list(text),
        }
    )
    source = _record(
        {"folder": text, "profile": text, "files": count, "bytes": count, "unused": _list(text)}
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PyOmeroUpload plan",
        "description": "What will be made of a folder. Indexes count from 0; unknown values are null.",
        **_record(
            {
                "schema": {"const": SCHEMA},
                "digest": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "source": source,
                "dataset": dataset,
                "processor": _nullable("string"),
                "images": _list(image),
                "problems": _list(problem),
            }
        ),
    }


def _record(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}
