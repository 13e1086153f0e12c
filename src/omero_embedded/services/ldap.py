"""omero.api.ILdap: users of a directory service. There is none here, as on a server where none is configured."""

from typing import Any

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.wire.registry import stateless


@stateless("omero.api.ILdap")
class LdapService:
    """LDAP that is switched off."""

    def getSetting(self, call: Call) -> bool:
        """Say that it is off."""
        return False

    def discover(self, call: Call) -> list[Any]:
        """Find nobody."""
        return []

    def discoverGroups(self, call: Call) -> list[Any]:
        """Find no group."""
        return []

    def searchAll(self, call: Call) -> list[Any]:
        """Find nobody."""
        call.require_admin()
        return []

    def findDN(self, call: Call, username: str) -> str:
        """Find nobody."""
        raise errors.api_usage(f"Cannot find unique DistinguishedName: found=0 for {username}")

    def findExperimenter(self, call: Call, username: str) -> Any:
        """Find nobody."""
        raise errors.api_usage(f"Cannot find unique DistinguishedName: found=0 for {username}")
