"""The command `taggram`."""


def main() -> None:
    """Run the command.

    Each decode process imports the program's main script, and so this module: that it is next to
    empty saves half a second a file, and keeps TensorFlow out of the decoders.
    """
    from app.cli.commands import app

    app()
