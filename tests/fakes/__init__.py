"""AWS in this process, above the wire: no request is built, sent or parsed, so that thousands of worlds cost little.

`tests/conformance/test_fakes.py` holds each fake to the same answers as the embedded AWS. What a fake does not know, it
refuses: a call or a parameter that is new here raises NotImplementedError.
"""
