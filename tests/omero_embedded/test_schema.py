"""The model as data: everything the client library knows, and nothing else."""

import omero.model
import pytest

from omero_embedded.schema import CLASSES, UNITS, Collection, Quantity, Reference, Value, find_class


def test_the_model_has_172_classes() -> None:
    assert len(CLASSES) == 172


def test_every_concrete_class_is_one_of_the_client_library() -> None:
    for cls in CLASSES.values():
        if not cls.abstract:
            assert hasattr(omero.model, f"{cls.name}I"), cls.name


def test_every_field_is_a_member_of_the_client_librarys_object() -> None:
    for cls in CLASSES.values():
        if cls.abstract:
            continue
        members = vars(getattr(omero.model, f"{cls.name}I")())
        for field in cls.fields.values():
            member = f"_{field.name}Seq" if isinstance(field, Collection) else f"_{field.name}"
            assert member in members, (cls.name, field.name)


def test_every_collection_leads_to_a_reference_that_leads_back() -> None:
    for cls in CLASSES.values():
        for collection in cls.collections:
            inverse = CLASSES[collection.target].fields[collection.inverse]
            assert isinstance(inverse, Reference)
            assert cls.is_a(inverse.target), (cls.name, collection.name)


def test_fields_are_told_apart_by_what_they_hold() -> None:
    pixels = CLASSES["Pixels"].fields
    assert pixels["sizeX"] == Value("sizeX", "int", nullable=False)
    assert pixels["physicalSizeX"] == Quantity("physicalSizeX", "Length", nullable=True)
    assert pixels["image"] == Reference("image", "Image", nullable=False)
    assert pixels["channels"] == Collection("channels", "Channel", "pixels", ordered=True)


def test_a_subclass_has_the_fields_of_those_above_it() -> None:
    tag = CLASSES["TagAnnotation"]
    assert [c.name for c in tag.ancestors] == ["TagAnnotation", "TextAnnotation", "Annotation"]
    assert {"ns", "textValue", "annotationLinks"} <= set(tag.fields)


def test_units_have_the_client_librarys_symbols() -> None:
    assert UNITS["Length"].symbols["MICROMETER"] == "µm"
    assert UNITS["Length"].value_of("µm") == "MICROMETER"


@pytest.mark.parametrize(
    "name",
    [
        "Dataset",
        "DatasetI",
        "omero.model.Dataset",
        "omero.model.DatasetI",
        "ome.model.containers.Dataset",
    ],
)
def test_a_class_is_found_by_the_names_clients_use(name: str) -> None:
    assert find_class(name) is CLASSES["Dataset"]


@pytest.mark.parametrize(
    "name", ["dataset", "::omero::model::Dataset", "ome.model.core.Dataset", "Foo", ""]
)
def test_other_names_are_no_classes(name: str) -> None:
    assert find_class(name) is None
