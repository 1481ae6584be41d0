"""The ways in beside the ingest bucket, each switched on by a stage's settings: API, queue, topic, telemetry stream.

`ways_in` makes those that a stage has. What answers them is in tasks/; nothing here may know how outcomes are told.
"""
