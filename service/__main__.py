"""``python -m service`` is ``exposure``."""

from service.cli import main

if __name__ == "__main__":
    main()
