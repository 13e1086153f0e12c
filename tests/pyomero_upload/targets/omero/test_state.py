"""What a run remembers of images that it has open."""

from pyomero_upload.targets.omero.state import OpenImage, SessionState


def test_secrets_are_not_in_what_is_printed_of_it():
    image = OpenImage(image_id=1, pixels_id=2, stores=("6f1e-store",))
    state = SessionState(session="a4b1-key", session_id=3, of_login=False, images={"pos1": image})
    assert "a4b1-key" not in f"{state!r} {state}"
    assert "6f1e-store" not in f"{state!r} {state} {image!r}"
    assert SessionState.model_validate_json(state.model_dump_json()) == state
