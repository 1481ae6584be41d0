"""What every test of the house shares."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: packed ones carry the time, and every worker must find the same names."""
    return argname if isinstance(val, bytes) else None
