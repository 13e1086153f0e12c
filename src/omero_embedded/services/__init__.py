"""The services: importing this package registers all that the server offers (see `wire.registry`)."""

from omero_embedded.services import config, query, session, types, update

__all__ = ["config", "query", "session", "types", "update"]
