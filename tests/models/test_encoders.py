"""Texts encoded together share the work of their words; no text may notice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.encoders import LONGEST_TEXT_CHARS, NgramEncoder

ODD = {
    "no text": "",
    "white space only": " \n\t\u00a0",
    "one letter": "a",
    "a word again and again": "ab Ab AB " * 500,
    "no space": "\u30d1\u30b9\u30ef\u30fc\u30c9\u3092\u5fd8\u308c\u307e\u3057\u305f",
    "letters that change when made small": "\u039f\u0394\u039f\u03a3 \u0130stanbul GRO\u1e9e",
    "unusual spaces": "a\u00a0b\u2003c\x1cd\x85e",
    "longer than is read": "word" * LONGEST_TEXT_CHARS,
}


def bits(counts) -> list[bytes]:
    return [part.tobytes() for part in (counts.indptr, counts.indices, counts.data)]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_a_text_encodes_alike_alone_and_among_others(text):
    alone = NgramEncoder().encode([text])
    among = NgramEncoder().encode(["my password", text, "ab my \u039f\u0394\u039f\u03a3"])[1]
    assert bits(alone) == bits(among)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=2, max_size=6))
def test_any_texts_encode_alike_alone_and_together(texts):
    together = NgramEncoder().encode(texts)
    for row, text in enumerate(texts):
        assert bits(NgramEncoder().encode([text])) == bits(together[row])
    assert together.dtype == np.float32
