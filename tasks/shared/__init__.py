"""What all functions share: the frame around a task, and the adapters to S3, DynamoDB and SNS.

No task's own rules: nothing here may import one.
"""
