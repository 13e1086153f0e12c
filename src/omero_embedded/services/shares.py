"""omero.api.IShare: lists of objects that were shown to others. There are none; new ones are not made."""

from typing import Any

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.wire.registry import stateless


@stateless("omero.api.IShare")
class ShareService:
    """The questions that clients ask of a server without shares."""

    def getOwnShares(self, call: Call, active: bool) -> list[Any]:
        """Give none."""
        return []

    def getMemberShares(self, call: Call, active: bool) -> list[Any]:
        """Give none."""
        return []

    def getSharesOwnedBy(self, call: Call, user: Any, active: bool) -> list[Any]:
        """Give none."""
        return []

    def getMemberSharesFor(self, call: Call, user: Any, active: bool) -> list[Any]:
        """Give none."""
        return []

    def getShare(self, call: Call, shareId: int) -> None:
        """Give none."""

    def getMemberCount(self, call: Call, shareIds: list[int]) -> dict[int, int]:
        """Count nobody."""
        return {}

    def getCommentCount(self, call: Call, shareIds: list[int]) -> dict[int, int]:
        """Count no comments."""
        return dict.fromkeys(shareIds or (), 0)

    def activate(self, call: Call, shareId: int) -> None:
        """Find no share to look through."""
        raise errors.validation(f"No share with id {shareId}")

    def deactivate(self, call: Call) -> None:
        """Look through no share."""
