"""The command `taggram`."""


def main() -> None:
    """Run the command.

    Each decoder process imports the program's main script, and so this module. Importing the rest
    here, in the function, saves half a second a file and keeps TensorFlow out of the decoders.
    """
    import sys

    from app.logs import show_traceback

    sys.excepthook = show_traceback  # before typer stores the current hook
    from app.cli.commands import app

    app()
