"""What each function that a state calls is given; of those that something else calls, it stands beside that.

Nothing here may make a function or a state machine.
"""
