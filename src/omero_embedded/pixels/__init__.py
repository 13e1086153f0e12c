"""Pixels: files of planes, the stores that write and read them, and the service around them.

`types`, `dimensions`, `planes`, `pyramid` and `statistics` know files and arrays alone;
`repository` knows where the file of a Pixels object is; `store` (RawPixelsStore) and
`service` (PixelsService) answer clients.
"""
