"""Units of sizes, in bytes, and sizes as a sentence has them."""

MIB = 1024**2
GIB = 1024**3

_LARGEST_FIRST = (("GiB", GIB), ("MiB", MIB), ("KiB", 1024))


def told_apart(*sizes: int) -> list[str]:
    """Sizes in bytes, all in the largest unit in which each is at least one, and no two look the same."""
    for unit, length in _LARGEST_FIRST:
        told = [f"{size / length:,.1f}".removesuffix(".0") + f" {unit}" for size in sizes]
        if min(sizes) >= length and len(set(told)) == len(set(sizes)):
            return told
    return [f"{size:,} bytes" for size in sizes]
