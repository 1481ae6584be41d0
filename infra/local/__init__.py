"""The whole of Sluice on this machine: what `sluice up` does, and the embedded AWS that it starts.

The modules of the commands (`stack`, `deploy`, `emulator`) know the server's address; only `server` loads the patches.
"""
