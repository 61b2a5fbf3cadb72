"""``python -m service`` is ``exposure``."""

from service.cli import main

main()
