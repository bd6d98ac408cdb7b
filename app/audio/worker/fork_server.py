"""Restarts the fork server without the secrets in the service's environment, when it is imported.

Only the fork server may import this, first of all. multiprocessing starts it, and restarts it after
a crash, with the environment of the service. `execve` removes that from its memory and /proc.
"""

import os
import sys

from app.audio.worker.environment import without_secrets

if without_secrets(os.environ) != os.environ:
    os.execve(sys.executable, sys.orig_argv, without_secrets(os.environ))  # noqa: S606 - itself
