"""The ways out beside the topic, by a stage's settings: a bus for outcomes, and a webhook behind it.

`ways_out` makes those that a stage has. Nothing here may start an execution.
"""
