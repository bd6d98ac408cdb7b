"""The command `taggram`."""


def main() -> None:
    """Run the command.

    Each decode process imports the program's main script, and so this module: that it is next to
    empty saves half a second a file, and keeps TensorFlow out of the decoders.
    """
    import sys

    from app.logs import show_traceback

    sys.excepthook = show_traceback  # before typer keeps the one that is there
    from app.cli.commands import app

    app()
