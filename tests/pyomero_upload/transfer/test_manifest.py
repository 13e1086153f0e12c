"""The manifest, its JSON Schema, and the page that documents both."""

import json
from pathlib import Path

import jsonschema
import pytest

from plans import planned
from pyomero_upload.transfer import convert
from pyomero_upload.transfer.manifest import Manifest

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "manifest.schema.json"


def test_the_published_schema_is_that_of_the_code():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == Manifest.model_json_schema()


@pytest.mark.parametrize("form", ["ome-zarr", "ome-tiff"])
def test_a_manifest_fits_the_published_schema(tmp_path, form):
    convert(planned(tmp_path / "in"), tmp_path / "out", format=form)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert manifest["schema_version"] == 1
    assert manifest["images"][0]["name"] == "pos001"
    assert len(manifest["images"][0]["levels"][0]["digests"]) == 12
