"""Upload a track and print the suggested tags: `python suggest_tags.py SONG`.

Settings: `TAGGRAM_URL`, where Taggram is; `TAGGRAM_KEY`, an API key where it needs one.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

URL = os.environ.get("TAGGRAM_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("TAGGRAM_KEY")
TIMEOUT_S = 120.0
ATTEMPTS = 5


def suggest_tags(client: httpx.Client, track: Path) -> dict[str, Any]:
    """Upload a track; when the service is busy, wait as long as it says and try again.

    Raises:
        httpx.HTTPStatusError: The service refuses the track, or stays busy.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with track.open("rb") as file:
            answer = client.post("/suggest-tags", files={"file": file}, params={"top_k": 3})
        is_busy = answer.status_code in {429, 503}
        if not is_busy or attempt == ATTEMPTS:
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    answer.raise_for_status()
    result: dict[str, Any] = answer.json()
    return result


def main() -> None:
    """Print one line for each suggestion; a refusal becomes one line on stderr."""
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    with httpx.Client(base_url=URL, headers=headers, timeout=TIMEOUT_S) as client:
        try:
            result = suggest_tags(client, Path(sys.argv[1]))
        except httpx.HTTPStatusError as error:
            sys.exit(error.response.json()["detail"])
    for suggestion in result["suggestions"]:
        moments = ", ".join(
            f"{moment['start_s']:.0f} to {moment['end_s']:.0f} s"
            for moment in suggestion["heard_at"]
        )
        print(f"{suggestion['label']}\t{suggestion['score']:.2f}\t{moments}")  # noqa: T201


if __name__ == "__main__":
    main()
