"""Secrets that stand in URLs, kept out of all that is printed, logged and answered.

A library's reason may repeat a URL whole, or a piece of it, such as the bare password. So the
secrets of the URLs that were given are remembered, and masked wherever they come up.
"""

import re
from urllib.parse import parse_qsl, unquote

MASK = "***"

_NAMES = (
    r"[\w-]*(?:sig|signature|token|secret|passw(?:or)?d|pwd|credentials?|api[_-]?key"
    r"|access[_-]?key(?:[_-]?id)?)"
)
_IN_QUERIES = "key|auth|code|session|jwt"
"""What is a secret where it is a parameter, and nothing elsewhere."""

_PARAMETER = re.compile(
    rf"((?<![\w-]){_NAMES}|(?<=[?&#;])(?:{_IN_QUERIES}))=[^\s&#;'\"]*[^\s&#;'\":,.)]", re.IGNORECASE
)
_SECRET_NAME = re.compile(f"{_NAMES}|{_IN_QUERIES}", re.IGNORECASE)

_LONG = 8
"""Shorter secrets are masked as whole words alone: a message must stay one."""

_secrets: set[str] = set()


def remember(url: str) -> None:
    """Have the secrets of a URL masked from now on."""
    if place := _user_info(url):
        user, colon, password = url[slice(*place)].partition(":")
        _add(password if colon else user)
        if len(user) > _LONG:  # an access key, say
            _add(user)
    for name, value in parse_qsl(re.split(r"[?#]", url, maxsplit=1)[-1]):
        if "=" in url and _SECRET_NAME.fullmatch(name):
            _add(value)


def mask(text: str) -> str:
    """Return a text without the secrets of URLs: those in it, and those that are remembered."""
    for secret in sorted(_secrets, key=len, reverse=True):
        if secret not in text:
            continue
        if len(secret) >= _LONG:
            text = text.replace(secret, MASK)
        else:
            text = re.sub(rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", MASK, text)
    if "://" in text:
        text = "".join(map(_without_user, re.split(r"(\s+)", text)))
    return _PARAMETER.sub(rf"\1={MASK}", text) if "=" in text else text


def _without_user(word: str) -> str:
    place = _user_info(word)
    return f"{word[: place[0]]}{MASK}{word[place[1] :]}" if place else word


def _user_info(url: str) -> tuple[int, int] | None:
    """Where in a URL the user and the password stand.

    Up to the last @ where a colon comes before the first slash: passwords may hold / and @.
    """
    end, start = url.rfind("@"), url.find("://")
    while 0 <= start < end:
        start += len("://")
        colon, slash = url.find(":", start, end), url.find("/", start, end)
        if start < end and (slash < 0 or 0 <= colon < slash):
            return start, end
        start = url.find("://", start)
    return None


def _add(secret: str) -> None:
    """Remember a secret, as it is written, decoded, as `repr` writes it, and its pieces."""
    for form in {secret, unquote(secret)}:
        pieces = re.split(r"[/@:?#&\[\]]", form)
        _secrets.update(each for each in (form, repr(form)[1:-1], *pieces) if len(each) > 1)
