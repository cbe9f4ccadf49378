"""HTML as people read it: text, with line breaks where blocks end."""

from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "head", "template"})
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "tr",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "blockquote",
        "hr",
    }
)


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden_by: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _HIDDEN:
            self._hidden_by.append(tag)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden_by and tag == self._hidden_by[-1]:
            self._hidden_by.pop()
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden_by:
            self.parts.append(data)


def html_to_text(html: str) -> str:
    """The visible text of ``html``; blank lines and runs of spaces collapse.

    Broken HTML is read as far as it goes.
    """
    if "<" in html or "&" in html:
        collector = _TextCollector()
        collector.feed(html)
        collector.close()
        html = "".join(collector.parts)
    lines = (" ".join(line.split()) for line in html.splitlines())
    return "\n".join(line for line in lines if line)
