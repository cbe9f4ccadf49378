"""Great Expectations' Data Docs as pages that need no network and ask for none.

As generated they load styles, scripts, and a logo with the time in its address from six hosts, and have no
style without. Here scripts and everything from elsewhere are taken out, one small style sheet is put in, and
the index, which only scripts fill, is written anew.
"""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
_ONLY_FROM_HERE = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self'\">"
)
_FROM_ELSEWHERE = re.compile(
    r"<script\b.*?</script\s*>|<(?:link|img)\b[^>]*[\"'](?:https?:)?//[^>]*>|<form\b.*?</form\s*>",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESS_IN_STYLE = re.compile(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_END_OF_HEAD = re.compile(r"</head\s*>", re.IGNORECASE)


def make_local(folder: Path) -> None:
    """Rewrite every page in ``folder``; ``index.html`` links all of them, the newest validation first."""
    style = (TEMPLATES / "data_docs.css").read_text(encoding="utf-8")
    for page in folder.rglob("*.html"):
        page.write_text(local(page.read_text(encoding="utf-8"), style), encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    index = environment.get_template("data_docs.html").render(
        style=style,
        validations=_pages(folder, "validations"),
        suites=_pages(folder, "expectations"),
    )
    (folder / "index.html").write_text(index, encoding="utf-8")


def local(html: str, style: str) -> str:
    """``html`` without scripts, forms and anything that a browser would fetch from another host."""
    kept = _ADDRESS_IN_STYLE.sub("none", _FROM_ELSEWHERE.sub("", html))
    kept = _HEAD.sub(lambda found: found[0] + _ONLY_FROM_HERE, kept, count=1)
    return _END_OF_HEAD.sub(lambda found: f"<style>{style}</style>{found[0]}", kept, count=1)


def _pages(folder: Path, kind: str) -> list[tuple[str, str]]:
    """(table, path from the index) of every page of ``kind``."""
    found = sorted((folder / kind).rglob("*.html"), reverse=kind == "validations")
    named = [(page.relative_to(folder / kind).parts[0].removesuffix(".html"), page) for page in found]
    return sorted((name, page.relative_to(folder).as_posix()) for name, page in named)
