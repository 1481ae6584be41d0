"""A Lambda function as each of ours is made: code and package, environment and permissions, versions, events.

What a function does is in tasks/. Who calls it is in pipeline/, ways_in/ and ways_out/: nothing here may import these.
"""
