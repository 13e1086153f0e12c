"""What a save gives back: the graph that was sent, as the database holds it now.

Every object of it is loaded, those sent unloaded too. New objects have all their collections loaded, the others those
that were sent loaded; in them is what was sent. Who acts, and the events of what was sent loaded, are loaded wherever
they are referred to.
"""

from typing import TypeAlias

import omero
import omero.model

from omero_embedded.call import Call
from omero_embedded.loading import Loader, set_collection
from omero_embedded.saving.graph import Graph, Node

IObject: TypeAlias = omero.model.IObject


def returned(call: Call, graph: Graph) -> list[IObject]:
    """Return the roots of a graph that was written."""
    loader = Loader(call)
    by_root: dict[str, list[int]] = {}
    for node in graph.nodes:
        if node.id is not None:
            by_root.setdefault(node.cls.root.name, []).append(node.id)
    found = {root: loader.objects(root, ids) for root, ids in by_root.items()}

    def made(node: Node) -> IObject:
        assert node.id is not None
        return found[node.cls.root.name][node.id]

    for node in graph.nodes:
        if node.loaded:
            for collection in node.cls.collections:
                if node.new or collection.name in node.members:
                    set_collection(
                        made(node),
                        collection.name,
                        [made(m) for m in node.members.get(collection.name, [])],
                    )
    sent = [made(n) for n in graph.nodes if n.loaded and not n.new and not n.cls.is_global]
    for name in ("creationEvent", "updateEvent"):
        loader.details(sent, name)
    loader.objects("Experimenter", [call.user_id])
    if any(node.new for node in graph.nodes):
        loader.objects("Event", [call.event_id])
    return [made(node) for node in graph.roots]
