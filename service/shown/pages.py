"""Pages for people, made of a template and a document; what comes from outside is text there and never markup."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
PAGES = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def page(template: str, told: dict[str, Any]) -> bytes:
    return PAGES.get_template(template).render(told).encode()
