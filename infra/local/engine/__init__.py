"""An interpreter of the States Language for the embedded AWS, with the history that AWS writes.

It reaches ministack only for its store and its service calls; patches/stepfunctions/ puts it in place.
"""
