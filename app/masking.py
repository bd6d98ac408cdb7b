"""Masks secrets of URLs in all that is printed, logged and sent.

A library's error message may contain a URL or a part of it, such as the password. Therefore the
secrets of URLs in use are stored, and masked wherever they occur.
"""

import re
from urllib.parse import parse_qsl, unquote

MASK = "***"

_NAMES = (
    r"[\w-]*(?:sig|signature|token|secret|passw(?:or)?d|pwd|credentials?|api[_-]?key"
    r"|access[_-]?key(?:[_-]?id)?)"
)
_IN_QUERIES = "key|auth|code|session|jwt"
"""Names that denote a secret only as a query parameter."""

_PARAMETER = re.compile(
    rf"((?<![\w-]){_NAMES}|(?<=[?&#;])(?:{_IN_QUERIES}))=[^\s&#;'\"]*[^\s&#;'\":,.)]", re.IGNORECASE
)
_SECRET_NAME = re.compile(f"{_NAMES}|{_IN_QUERIES}", re.IGNORECASE)

_LONG = 8
"""Shorter secrets are masked only as whole words, so that messages stay readable."""

_secrets: set[str] = set()


def remember(url: str) -> None:
    """Store the secrets of a URL, so that `mask` masks them from now on."""
    if span := _user_info(url):
        user, colon, password = url[slice(*span)].partition(":")
        _add(password if colon else user)
        if len(user) > _LONG:  # for example an access key
            _add(user)
    for name, value in parse_qsl(re.split(r"[?#]", url, maxsplit=1)[-1]):
        if "=" in url and _SECRET_NAME.fullmatch(name):
            _add(value)


def mask(text: str) -> str:
    """Return a text without the secrets of URLs: of URLs in it, and of those stored."""
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
    span = _user_info(word)
    return f"{word[: span[0]]}{MASK}{word[span[1] :]}" if span else word


def _user_info(url: str) -> tuple[int, int] | None:
    """Return the span of the user and the password in a URL.

    It ends at the last @ if a colon precedes the first slash: passwords may contain / and @.
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
    """Store a secret: as written, decoded, as `repr` writes it, and its parts."""
    for form in {secret, unquote(secret)}:
        pieces = re.split(r"[/@:?#&\[\]]", form)
        _secrets.update(each for each in (form, repr(form)[1:-1], *pieces) if len(each) > 1)
