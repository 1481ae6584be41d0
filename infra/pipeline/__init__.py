"""The stack that works: the state machines, what starts and follows them, and its parts that a stage switches on.

How one function is made belongs into functions/, other ways to start an execution into ways_in/.
"""
