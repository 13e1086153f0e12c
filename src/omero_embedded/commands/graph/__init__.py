"""Which objects belong together: what Delete2, Chgrp2, Chown2, Duplicate, DiskUsage2, FindParents and FindChildren share.

    targets.py    what the client named, checked             ─┐
    rules.py      what belongs to what, as data               ├▶ closure.py   what goes along with the targets
    options.py    the client's ChildOptions                  ─┘      └▶ selection.py   the objects found so far, in the database
    integrity.py  what must not be torn apart, and links whose ends part
    removal.py    rows out of the tables, files off the disk

All is done in sets by the database: a hundred thousand objects take seconds.
"""
