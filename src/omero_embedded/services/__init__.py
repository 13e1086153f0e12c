"""The services: importing this package registers all that the server offers (see `wire.registry`)."""

from omero_embedded.files import exporter, repository, shared_resources
from omero_embedded.files import store as raw_file_store
from omero_embedded.pixels import service as pixels_service
from omero_embedded.pixels import store as raw_pixels_store
from omero_embedded.rendering import engine, projection_service, settings_service, thumbnails
from omero_embedded.services import (
    admin,
    config,
    containers,
    ldap,
    metadata,
    query,
    repository_info,
    rois,
    scripts,
    search,
    session,
    shares,
    timeline,
    types,
    update,
)

__all__ = [
    "admin",
    "config",
    "containers",
    "engine",
    "exporter",
    "ldap",
    "metadata",
    "pixels_service",
    "projection_service",
    "query",
    "raw_file_store",
    "raw_pixels_store",
    "repository",
    "repository_info",
    "rois",
    "scripts",
    "search",
    "session",
    "settings_service",
    "shared_resources",
    "shares",
    "thumbnails",
    "timeline",
    "types",
    "update",
]
