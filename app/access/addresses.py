"""What counts as one caller by its network address."""

from ipaddress import IPv4Address, ip_address


def caller_at(address: str) -> str:
    """Who counts as one: an IPv4 address, or the 64-bit network that one IPv6 customer has whole.

    What is no address, as a proxy may send that is set up wrongly, is one caller.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:016x}")


def is_this_machine(address: str) -> bool:
    """Whether that is an address of loopback."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
