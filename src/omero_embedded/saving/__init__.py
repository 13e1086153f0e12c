"""Objects into rows.

`save` is what IUpdate does with a graph of new, changed, unloaded and linked objects (`graph` walks it, `checks` says
what is refused, `writing` writes it, `result` makes what goes back). `insert`, `change` and `delete` are for rows that
the server makes itself.
"""

from omero_embedded.saving.rows import change, delete, insert
from omero_embedded.saving.writing import delete_object, save, save_ids

__all__ = ["change", "delete", "delete_object", "insert", "save", "save_ids"]
