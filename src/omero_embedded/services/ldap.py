"""omero.api.ILdap: users of a directory service. There is none here, as on a server where none is configured.

All is for administrators alone (ome.logic.LdapImpl).
"""

from typing import Any

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.wire.registry import stateless


@stateless("omero.api.ILdap")
class LdapService:
    """LDAP that is switched off."""

    def getSetting(self, call: Call) -> bool:
        """Say that it is off."""
        call.require_admin()
        return False

    def discover(self, call: Call) -> list[Any]:
        """Find nobody."""
        call.require_admin()
        return []

    def discoverGroups(self, call: Call) -> list[Any]:
        """Find no group."""
        call.require_admin()
        return []

    def searchAll(self, call: Call) -> list[Any]:
        """Find nobody."""
        call.require_admin()
        return []

    def findDN(self, call: Call, username: str) -> str:
        """Find nobody."""
        call.require_admin()
        raise errors.api_usage("Cannot find unique user DistinguishedName: found=0")

    def findExperimenter(self, call: Call, username: str) -> Any:
        """Find nobody."""
        call.require_admin()
        raise errors.api_usage("Cannot find unique user DistinguishedName: found=0")

    def findGroup(self, call: Call, groupname: str) -> Any:
        """Find no group."""
        call.require_admin()
        raise errors.api_usage("Cannot find unique group DistinguishedName: found=0")

    def findGroupDN(self, call: Call, groupname: str) -> str:
        """Find no group."""
        call.require_admin()
        raise errors.api_usage("Cannot find unique group DistinguishedName: found=0")

    def searchByAttribute(self, call: Call, dn: str, attribute: str, value: str) -> list[Any]:
        """Find nobody."""
        call.require_admin()
        return []

    def searchByAttributes(
        self, call: Call, dn: str, attributes: list[str], values: list[str]
    ) -> list[Any]:
        """Find nobody."""
        call.require_admin()
        return []

    def searchDnInGroups(self, call: Call, attr: str, value: str) -> list[str]:
        """Find nobody."""
        call.require_admin()
        return []
