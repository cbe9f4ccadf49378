"""HTML to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rules.plain_text import html_to_text


@pytest.mark.parametrize(
    ("hazard", "html", "text"),
    [
        ("plain text stays", "a  b\nc", "a b\nc"),
        ("blocks end lines", "<p>one</p><p>two</p>", "one\ntwo"),
        ("line breaks", "one<br>two<br/>three", "one\ntwo\nthree"),
        ("inline marks do not cut words", "pass<b>word</b>", "password"),
        ("entities", "Tom &amp; Jerry &lt;3 &#8364;", "Tom & Jerry <3 €"),
        ("scripts are not text", "a<script>alert('<p>x</p>')</script>b", "ab"),
        ("styles are not text", "<style>p {color: red}</style>red", "red"),
        ("comments are not text", "a<!-- secret -->b", "ab"),
        ("lists", "<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("tag never closed", "<p>half <b>open", "half open"),
        ("less-than sign", "if a < b then", "if a < b then"),
        ("empty", "", ""),
    ],
)
def test_html_hazards(hazard: str, html: str, text: str) -> None:
    assert html_to_text(html) == text, hazard


@given(st.text(max_size=200))
def test_any_text_at_all_is_read(html: str) -> None:
    assert isinstance(html_to_text(html), str)
