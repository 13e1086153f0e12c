"""Files: their bytes on disk, checksums, tables, repositories, and importing images from them.

`checksums` and `place` know names and bytes alone; `store` (RawFileStore), `table` (Table),
`shared_resources` (SharedResources) and `repository` (ManagedRepository) answer clients; `upload`
takes an import's files, `readers` read images out of them, `importing` makes rows of these.
"""
