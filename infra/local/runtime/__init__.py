"""What runs in the process of a local function.

It is started by its path, alone in its folder so that no name here hides one of a library; it knows no emulator.
"""
