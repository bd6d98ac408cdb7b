"""Networks as OpenVINO IR, packed in one file."""

import io
import zipfile
from dataclasses import dataclass

from app.errors import WeightsError

GRAPH, WEIGHTS = "network.xml", "network.bin"
"""The names of the files of a network."""

LARGEST_NETWORK = 2**31 - 2**24
"""The largest size of a network, in bytes: a file of weights may have 2 GiB."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""The same network makes the same file."""


@dataclass(frozen=True, eq=False)
class NetworkFiles:
    """A network in OpenVINO IR.

    Attributes:
        graph: The content of the `.xml` file.
        weights: The content of the `.bin` file.
    """

    graph: bytes
    weights: bytes

    def pack(self) -> bytes:
        """Return both files in a ZIP archive without compression."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as both:
            both.writestr(zipfile.ZipInfo(GRAPH, _DATE), self.graph)
            both.writestr(zipfile.ZipInfo(WEIGHTS, _DATE), self.weights)
        return archive.getvalue()


def unpack_network(data: bytes, where: str) -> NetworkFiles:
    """Return the files of a packed network.

    Args:
        data: A ZIP archive of `NetworkFiles.pack`.
        where: Its file, as messages name it.

    Raises:
        WeightsError: It is not such an archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as both:
            members = [both.getinfo(name) for name in (GRAPH, WEIGHTS)]
            if any(each.compress_type != zipfile.ZIP_STORED for each in members):
                raise WeightsError(f"{where}: its files are compressed; expected them as they are")
            return NetworkFiles(*map(both.read, members))
    except (zipfile.BadZipFile, KeyError, EOFError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{where}: this is not a ZIP archive of {GRAPH} and {WEIGHTS}: {error}"
        ) from error
