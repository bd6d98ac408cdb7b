"""Mutants of valid files, and malformed requests, which the service must survive.

`python -m loadtests.fuzz.run [--mutants 2000] [--requests 500] [--seed 1]` prints the outcomes and
stores each finding in `.cache/fuzz`, with the command that repeats it.
"""

if __name__ == "__main__":
    # Inside, as each decoder imports the program's main module.
    from loadtests.fuzz.command import cli

    cli()
