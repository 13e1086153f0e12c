"""omero.api.IConfig, ILdap and ITypes: what everybody may ask, and what administrators alone."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import omero
import omero.model
import pytest
from omero.rtypes import rstring

from omero_embedded import Server


@pytest.fixture
def root(omero_server: Server) -> Iterator[Any]:
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    yield client
    client.closeSession()


@pytest.mark.parametrize(
    "key", ["omero.version", "omero.client.web.host", "omero.sessions.timeout"]
)
def test_everybody_reads_what_is_public(omero_client: Any, root: Any, key: str) -> None:
    config = omero_client.sf.getConfigService()
    assert config.getConfigValue(key) == root.sf.getConfigService().getConfigValue(key)


@pytest.mark.parametrize("key", ["omero.data.dir", "omero.db.uuid", "nonsense", ""])
def test_administrators_alone_read_the_rest(omero_client: Any, root: Any, key: str) -> None:
    assert isinstance(root.sf.getConfigService().getConfigValue(key), str)
    with pytest.raises(omero.SecurityViolation, match=f"Cannot read configuration: {key}"):
        omero_client.sf.getConfigService().getConfigValue(key)


@pytest.mark.parametrize("key", ["omero.db.pass", "omero.db.name", "database.host"])
def test_nobody_reads_how_the_database_is_reached(root: Any, key: str) -> None:
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read configuration: omero\.db\."):
        root.sf.getConfigService().getConfigValue(key)


def test_an_older_name_of_a_key_stands_for_it(omero_client: Any) -> None:
    config = omero_client.sf.getConfigService()
    assert config.getConfigValue("ome.security.password_required") == "true"


def test_the_directory_service_is_off_and_for_administrators(omero_client: Any, root: Any) -> None:
    assert root.sf.getLdapService().getSetting() is False
    with pytest.raises(omero.SecurityViolation, match="No matching roles found"):
        omero_client.sf.getLdapService().getSetting()
    with pytest.raises(omero.ApiUsageException, match="found=0"):
        root.sf.getLdapService().findExperimenter("ann")


def test_what_can_be_annotated_is_told(omero_client: Any) -> None:
    found = omero_client.sf.getTypesService().getAnnotationTypes()
    assert {"ome.model.core.Image", "ome.model.annotations.Annotation"} <= set(found)
    assert "ome.model.annotations.TagAnnotation" not in found


def test_everybody_adds_a_value_to_an_enumeration_and_administrators_remove_it(
    omero_client: Any, root: Any
) -> None:
    new = omero.model.ExperimentTypeI()
    new.value = rstring(f"value-{uuid4()}")
    types = omero_client.sf.getTypesService()
    made = types.createEnumeration(new)
    assert types.getEnumeration("ExperimentType", new.value.val).id.val == made.id.val
    with pytest.raises(omero.SecurityViolation, match="No matching roles found"):
        types.deleteEnumeration(made)
    root.sf.getTypesService().deleteEnumeration(made)
    with pytest.raises(omero.ApiUsageException, match="enum does not exist with the value"):
        types.getEnumeration("ExperimentType", new.value.val)


def test_what_is_no_enumeration_is_named(omero_client: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="Image does not specify a valid class"):
        omero_client.sf.getTypesService().allEnumerations("Image")
