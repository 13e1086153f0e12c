"""Running the Python scripts that are kept on the server, as its processor does.

`launching` starts a script in a process of its own, joined to a session made for it; `parameters` asks a script what it
takes and checks what it is given; `process` is what clients hold of a script that runs.
"""
