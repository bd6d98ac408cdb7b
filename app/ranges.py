"""The limits of the numbers that describe front ends."""

LARGEST = 2**20
"""The upper limit of all lengths, numbers and rates."""


def check_positive(**numbers: float) -> None:
    """Check that numbers are within 0 and `LARGEST`.

    Raises:
        ValueError: A number is not more than 0, or not less than `LARGEST`.
    """
    for name, number in numbers.items():
        if not 0 < number < LARGEST:
            raise ValueError(f"{name}: {number:g} is not more than 0 and less than {LARGEST}")
