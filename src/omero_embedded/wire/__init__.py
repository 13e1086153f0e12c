"""The wire: everything that knows Ice.

`adapter` listens (tcp, TLS), `router` logs clients in, `sessions` keeps what lives between calls, `locator` finds the
servant for an identity, `dispatch` makes servants out of plain service classes, `factory` hands services out, `handles`
runs commands, `registry` lists what there is, `interfaces` knows every operation of every Slice interface.
"""
