"""What differs between stages: each setting with its default and its checks.

Nothing here may import the CDK: commands read settings, too.
"""
