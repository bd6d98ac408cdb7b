"""`python -m testing.smoke SONG`: serves as users do, and tags one song."""

import sys
import tempfile
from pathlib import Path

from testing.server import serving


def main() -> None:
    """Print the suggestions and the engines."""
    song = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as server:
        answer = server.http.post("/suggest-tags", files={"file": song.read_bytes()})
        answer.raise_for_status()
        tags = ", ".join(each["tag"] for each in answer.json()["suggestions"])
        models = server.http.get("/models").json()
        engines = {f"{model['engine']} in {model['precision']}" for model in models}
    version = sys.version.partition(" ")[0]
    print(f"Python {version}: {song.name}: {tags}; by {' and '.join(sorted(engines))}")


if __name__ == "__main__":
    main()
