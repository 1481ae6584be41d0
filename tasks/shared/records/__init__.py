"""The metadata table: what is known of each asset, who works on it, and which version of a key is current.

Here live the shapes of a record and the one way to and from DynamoDB. No AWS client is made here, and no item in
DynamoDB's form or as a plain dict leaves this package.
"""
