"""What is not installed is said in a sentence, with how to install it."""

import pytest

from pyomero_upload.errors import PyomeroError
from pyomero_upload.extras import require


def test_what_is_installed_is_not_talked_about():
    require(["json", "pathlib"], for_what="anything", extras=["omero"])


def test_what_lacks_is_named_with_what_needs_it_and_how_to_get_it():
    with pytest.raises(PyomeroError) as error:
        require(["json", "no_such_module"], for_what="OMERO.web", extras=["omero", "web"])
    assert error.value.message == "What is needed for OMERO.web is not installed (no_such_module)."
    assert "uv run --extra omero --extra web pyomero" in error.value.hint
    assert "pip install 'pyomero-upload[omero,web]'" in error.value.hint
