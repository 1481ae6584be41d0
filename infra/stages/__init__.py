"""What differs between stages: reading the user's stages.toml, strictly, over the defaults that the product has.

Nothing here may import the CDK, nor may a subject's `settings`: commands read settings, too.
"""
