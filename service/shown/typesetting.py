"""Documents for print: a PDF (PDF/A-2u, made to be kept) of a template and a document.

Law: the same document gives the same bytes. A letter that no font here has is a failure, never an empty box.
"""

from pathlib import Path
from typing import Any

import typst

from schemas.jsontext import written

TEMPLATES = Path(__file__).parent / "templates"


class NoFont(ValueError):
    """No font shows a text."""


def typeset(template: str, told: dict[str, Any], words: dict[str, str], *, own_fonts_only: bool = False) -> bytes:
    """Raises ``NoFont``. The fonts are those of the machine and, where these lack something, those that the typesetter brings along."""
    inputs = {"statement": written(told).decode(), "words": written(words).decode()}
    try:
        made = typst.compile(TEMPLATES / template, sys_inputs=inputs, pdf_standards=["a-2u"], ignore_system_fonts=own_fonts_only)
    except typst.TypstError as error:
        if "could not be displayed" in error.message:
            raise NoFont(error.message) from error
        raise
    assert isinstance(made, bytes)
    return made
