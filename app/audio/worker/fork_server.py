"""For the fork server to import before all else: it starts anew, without the service's environment.

Nothing else may import this. multiprocessing starts the fork server with the environment of the
service, also later, where one was killed. What a program replaces is gone from memory and /proc.
"""

import os
import sys

from app.audio.worker.environment import kept

if kept(os.environ) != os.environ:
    os.execve(sys.executable, sys.orig_argv, kept(os.environ))  # noqa: S606 - itself
