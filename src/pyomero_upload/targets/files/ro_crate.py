"""`ro-crate-metadata.json`: what the output is, for machines and archives.

Stands below `sidecars`. Built with the rocrate library after https://w3id.org/ro/crate; the crate names the images, tables
and original files as its parts, says who made them, and by which tool from what.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from rocrate.model.contextentity import ContextEntity
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from pyomero_upload.model import Plan

CRATE = "ro-crate-metadata.json"
ENCODINGS = {
    ".csv": "text/csv",
    ".tif": "image/tiff",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


def crate_json(plan: Plan, image_paths: Mapping[str, str], files: Sequence[str]) -> bytes:
    """Return the crate's metadata document.

    Parameters
    ----------
    plan
        What is said about the dataset.
    image_paths
        For the name of each image: its path in the output.
    files
        Paths of all other files of the output.

    """
    crate = ROCrate(gen_preview=False)
    dataset = plan.dataset
    crate.name = dataset.name
    if dataset.description:
        crate.description = dataset.description
    if dataset.tags:
        crate.root_dataset["keywords"] = list(dataset.tags)
    if dataset.authors:
        crate.root_dataset["author"] = [
            crate.add(Person(crate, f"#author-{number}", properties={"name": name}))
            for number, name in enumerate(dataset.authors, 1)
        ]
    images = [_add(crate, path, name) for name, path in image_paths.items()]
    for path in files:
        _add(crate, path, PurePosixPath(path).name)
    pairs = [_pair(crate, f"#key-value-{n}", *pair) for n, pair in enumerate(dataset.key_values, 1)]
    if pairs:
        crate.root_dataset["additionalProperty"] = pairs
    if plan.provenance:
        _add_provenance(crate, plan, images)
    return (json.dumps(crate.metadata.generate(), indent=2) + "\n").encode("ascii")


def _add(crate: ROCrate, path: str, name: str) -> ContextEntity:
    """Add a file, or a folder where an image is one."""
    if path.endswith(".ome.zarr"):
        return crate.add_dataset(
            dest_path=path, properties={"name": name, "encodingFormat": "application/vnd.zarr"}
        )
    encoding = ENCODINGS.get(PurePosixPath(path).suffix.lower())
    properties = {"name": name} | ({"encodingFormat": encoding} if encoding else {})
    return crate.add_file(dest_path=path, properties=properties)


def _pair(crate: ROCrate, identifier: str, key: str, value: str) -> ContextEntity:
    return crate.add(
        ContextEntity(
            crate, identifier, properties={"@type": "PropertyValue", "name": key, "value": value}
        )
    )


def _add_provenance(crate: ROCrate, plan: Plan, images: Sequence[ContextEntity]) -> None:
    """Say which software made the images from which folder."""
    said = dict(plan.provenance)
    software = {
        "@type": "SoftwareApplication",
        "name": said.get("Tool", "PyOmeroUpload"),
        "version": said.get("Tool version"),
        "identifier": said.get("Tool DOI"),
    }
    tool = crate.add(
        ContextEntity(
            crate, "#tool", properties={key: value for key, value in software.items() if value}
        )
    )
    pairs = [_pair(crate, f"#provenance-{n}", *pair) for n, pair in enumerate(plan.provenance, 1)]
    crate.add_action(
        tool,
        identifier="#conversion",
        result=list(images),
        properties={
            "name": "Conversion into 5-D images",
            "endTime": said.get("Made at"),
            "additionalProperty": [{"@id": pair.id} for pair in pairs],
        },
    )
