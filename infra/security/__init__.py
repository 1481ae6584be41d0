"""What is refused and hidden whoever asks: bucket policies, encryption, and the rules that templates are checked by.

What a single function may do is in functions/permissions.py. Nothing here may name a function.
"""
