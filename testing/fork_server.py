"""A process that has imported the stub service, and forks the stub services of tests.

Imports take most of the CPU time of a start, 1.2 s. Apart from them a forked service starts as any
other does. `testing.forked_services` runs this module.
"""

import gc
import json
import os
import sys

import app.main
import app.server  # noqa: F401 - services need both
from testing.stub_service import app as stub_service


def main() -> None:
    """Start the service of each line of the input, and print its process id.

    A line has the service's `arguments`, its `environment`, and the `log` that it writes.
    """
    gc.collect()
    gc.freeze()  # the collector would copy memory that all services share
    for line in iter(sys.stdin.buffer.readline, b""):
        if between := os.fork():
            os.waitpid(between, 0)
            os.write(sys.stdout.fileno(), b"\n")
        elif service := os.fork():
            os.write(sys.stdout.fileno(), b"%d" % service)
            os._exit(0)  # so that the service becomes a child of the process that tests
        else:
            run(**json.loads(line))
            break


def run(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Become a service."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor, opened in enumerate((nothing, output, output)):
        os.dup2(opened, descriptor)
    os.close(nothing)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    stub_service()
