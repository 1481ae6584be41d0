"""Where it runs: constructs by subject, the stacks that are made of them, and the embedded AWS.

What a function does belongs into tasks/, what an operator asks for into workflow/operator/.
"""
