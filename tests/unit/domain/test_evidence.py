import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import evidence

NAMES = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=8)
DOCUMENTS = st.dictionaries(NAMES, st.binary(max_size=20), min_size=1, max_size=9)


def test_merkle_root__three_documents__is_the_tree_by_hand():
    a, b, c = (keccak(b"\x00" + n + b"\x00" + n * 2) for n in (b"a", b"b", b"c"))
    expected = keccak(b"\x01" + keccak(b"\x01" + a + b) + c)

    assert evidence.merkle_root({"c": b"cc", "a": b"aa", "b": b"bb"}) == expected


@given(DOCUMENTS, st.data())
def test_merkle_root__any_byte_changed__differs(documents, data):
    name = data.draw(st.sampled_from(sorted(documents)))
    changed = {**documents, name: documents[name] + b"!"}

    assert evidence.merkle_root(changed) != evidence.merkle_root(documents)


@given(DOCUMENTS)
def test_merkle_root__last_document_twice__differs(documents):
    last = max(documents)
    doubled = {**documents, last + "~": documents[last]}

    assert evidence.merkle_root(doubled) != evidence.merkle_root(documents)


def test_merkle_root__nothing__refuses():
    with pytest.raises(evidence.EvidenceError):
        evidence.merkle_root({})


def test_canonical_json__float_deep_inside__refuses_and_names_it():
    with pytest.raises(evidence.EvidenceError, match=r"\$\.a\[1\]\.b is a float"):
        evidence.canonical_json({"a": [1, {"b": 0.1}]})


def test_canonical_json__keys__are_sorted():
    assert evidence.canonical_json({"b": "1", "a": 2}) == b'{"a":2,"b":"1"}'
