"""The work of each state: one folder per Lambda function, thin handlers over pure modules.

One task imports no other; what several need is in `shared/` (adapters) and `sniffing/` (what a file is).
"""
