"""Maps network addresses to callers."""

from ipaddress import IPv4Address, ip_address


def identify_caller(address: str) -> str:
    """Return the caller of an address: the IPv4 address, or the 64-bit network of an IPv6 address.

    One IPv6 customer usually has a whole 64-bit network. All invalid addresses, which a
    misconfigured proxy may send, are one caller.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:016x}")


def is_this_machine(address: str) -> bool:
    """Return whether an address is a loopback address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
