"""Names that the templates and the local deployment share; importing them does not import the CDK."""

CODE_BUCKET = "CodeBucket"
CODE_KEY = "CodeKey"
