"""What keeps data: the stack of buckets, table, catalog and topic, and the parameter of live settings.

No function and no state machine belongs here: this stack outlives them.
"""
