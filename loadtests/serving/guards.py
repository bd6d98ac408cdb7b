"""What the guards around decoding cost a file: a process of its own, its sandbox, the checks.

`python -m loadtests.serving.guards [ROUNDS]` decodes each file as the service does, and in this
process by the same decoder, in turns.
"""

if __name__ == "__main__":
    # Inside, as each decoder imports the program's main module.
    from loadtests.serving.guard_costs import main

    main()
