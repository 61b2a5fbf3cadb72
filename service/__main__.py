"""``python -m service`` is ``exposure``."""

if __name__ == "__main__":
    # A process that helps this one takes this file for its own: it does not need the commands.
    from service.cli import main

    main()
