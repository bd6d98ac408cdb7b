"""Mutants of good files, and broken requests: what the service must outlive.

`python -m loadtests.fuzz [--mutants 2000] [--requests 500] [--seed 1]` prints what came of them and
keeps each finding in `.cache/fuzz`, with how to repeat it beside it.
"""

if __name__ == "__main__":
    # Inside, as each decoder imports the program's main module.
    from loadtests.fuzz_command import cli

    cli()
