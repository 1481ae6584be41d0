"""What the embedded AWS has acknowledged survives `kill -9`: its state in one SQLite file, a row for each thing.

`store` is the file, `journal` notes what changed and writes it, `shelf` keeps in memory only what is in use, and
`infra.local.patches.durability.state` says which of the emulator's dictionaries are kept how.
"""
