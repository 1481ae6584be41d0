"""The work of each state: one folder per Lambda function, thin handlers over pure modules."""
