"""What is refused and hidden whoever asks: bucket policies, encryption, and the rules that templates are checked by.

What a single function may do is said by the `needs` beside what calls it. Nothing here may name a function.
"""
