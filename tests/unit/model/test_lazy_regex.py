"""Patterns that wait for their first use, and needles that are looked for before."""

import re

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model import secret_shapes
from pytest_evalguard.model.redaction import _SHORTEST_ALNUM
from pytest_evalguard.model.secret_names import spans_of_names
from pytest_evalguard.model.secret_shapes import spans_of_shapes
from pytest_evalguard.model.text import lazy


def test_a_pattern_is_compiled_when_it_is_first_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []
    compile_ = re.compile

    def counted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_(pattern, flags)

    monkeypatch.setattr(re, "compile", counted)
    pattern = lazy("a(b+)", re.IGNORECASE)
    assert compiled == []
    assert [pattern.findall("abB ab"), pattern.findall("ab")] == [["bB", "b"], ["b"]]
    assert compiled == ["a(b+)"]


@given(st.data())
def test_what_a_shape_finds_has_its_needle_and_its_mark(data: st.DataObject) -> None:
    mark = data.draw(st.sampled_from(list(secret_shapes._SHAPES)))
    shape = data.draw(st.sampled_from(secret_shapes._SHAPES[mark]))
    text = data.draw(st.from_regex(re.compile(shape.pattern.pattern)))
    for found in shape.pattern.finditer(text):
        if shape.proof in found[0]:
            assert shape.needle in text
            assert mark in text


@given(st.data())
def test_what_a_prefix_finds_is_looked_for(data: st.DataObject) -> None:
    mark = data.draw(st.sampled_from("_-"))
    pattern = secret_shapes._prefixed(mark).pattern
    prefixes = [each for each in secret_shapes._PREFIXES if each.endswith(mark)]
    prefix = data.draw(st.sampled_from(prefixes))
    rest = data.draw(st.from_regex("[A-Za-z0-9_.+/=-]{6,12}", fullmatch=True))
    text = data.draw(st.sampled_from(("", " ", "x", "\\n", "%3D"))) + prefix + rest
    if pattern.search(text):
        assert secret_shapes._BEGUN[mark].search(text)


@given(
    st.one_of(
        st.from_regex("[A-Za-z0-9]{1,10}", fullmatch=True),
        st.from_regex("(?:eyJ|SK|AKIA|dapi|pwd|key|pass)[A-Za-z0-9]{1,7}"),
        st.text(st.characters(categories=("L", "N")), min_size=1),
    )
)
def test_a_short_word_of_letters_and_digits_holds_no_secret(text: str) -> None:
    if text.isalnum() and len(text) < _SHORTEST_ALNUM:
        assert not spans_of_shapes(text)
        assert not spans_of_names(text)
