"""OMERO as a target: the only room of `pyomero_upload` that imports omero-py.

From the bottom up: `defaults` is what holds unless told otherwise; `settings` says which server and as whom; `connection`
is a session there; `containers`, `provenance`, `images`, `annotations`, `tables`, `attachments` and `rendering` each know
one kind of thing to make or find on it; `stores` and `writer` bring pixels in; `target` is the Target made of them;
`fileset` imports files as they are; `reading` brings things back; `searching` finds them.
"""
