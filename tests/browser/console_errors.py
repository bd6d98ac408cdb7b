"""What a page complains about: uncaught errors, and errors on its console."""

from playwright.sync_api import ConsoleMessage, Error, Page


class ConsoleErrors:
    """Hears a page's complaints; those that a test provokes are expected."""

    def __init__(self) -> None:
        self._expected: list[str] = []
        self._messages: list[str] = []

    def follow(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on("pageerror", self._failed)
        page.on("console", self._printed)

    def expect(self, *words: str) -> None:
        """Let complaints pass in which one of these occurs."""
        self._expected += words

    @property
    def unexpected(self) -> list[str]:
        """What no test asked for."""
        return [
            entry for entry in self._messages if not any(words in entry for words in self._expected)
        ]

    def _failed(self, error: Error) -> None:
        self._messages.append(f"uncaught: {error.message}")

    def _printed(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._messages.append(f"{message.location['url']}: {message.text}")
