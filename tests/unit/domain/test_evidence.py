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


def test_prove__promoted_document__has_a_path_of_one_step():
    documents = {"a": b"aa", "b": b"bb", "c": b"cc"}
    a, b = (evidence.leaf(name, documents[name]) for name in "ab")

    proof = evidence.prove(documents, "c")

    assert proof.steps == (evidence.Step(keccak(b"\x01" + a + b), is_left=True),)


@given(DOCUMENTS)
def test_prove__any_document__leads_to_the_root(documents):
    root = evidence.merkle_root(documents)

    assert all(
        evidence.is_included(content, evidence.prove(documents, name), root)
        for name, content in documents.items()
    )


@given(DOCUMENTS, st.data())
def test_prove__a_changed_byte_or_name__does_not_lead_there(documents, data):
    name = data.draw(st.sampled_from(sorted(documents)))
    proof, root = evidence.prove(documents, name), evidence.merkle_root(documents)
    content = bytearray(documents[name] or b"\x00")
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    renamed = evidence.InclusionProof(name + "~", proof.steps)

    assert not evidence.is_included(bytes(content), proof, root)
    assert not evidence.is_included(documents[name], renamed, root)


@given(DOCUMENTS, st.data())
def test_prove__another_document__does_not_lead_there(documents, data):
    name = data.draw(st.sampled_from(sorted(documents)))
    stranger = data.draw(NAMES.filter(lambda each: each not in documents))
    root, proof = evidence.merkle_root(documents), evidence.prove(documents, name)

    assert not evidence.is_included(
        b"anything", evidence.InclusionProof(stranger, proof.steps), root
    )


@given(DOCUMENTS, st.data())
def test_prove__a_step_left_out_or_turned__does_not_lead_there(documents, data):
    name = data.draw(st.sampled_from(sorted(documents)))
    proof, root = evidence.prove(documents, name), evidence.merkle_root(documents)
    for place, step in enumerate(proof.steps):
        before, after = proof.steps[:place], proof.steps[place + 1 :]
        turned = evidence.Step(step.sibling, not step.is_left)
        for steps in ((*before, *after), (*before, turned, *after)):
            changed = evidence.InclusionProof(name, steps)
            assert not evidence.is_included(documents[name], changed, root)


@given(DOCUMENTS, st.data())
def test_merkle_root__any_document_repeated_under_another_name__differs(documents, data):
    name = data.draw(st.sampled_from(sorted(documents)))
    copy = data.draw(NAMES.filter(lambda each: each not in documents))

    assert evidence.merkle_root({**documents, copy: documents[name]}) != evidence.merkle_root(
        documents
    )


@given(DOCUMENTS)
def test_proof__through_a_file__is_the_same(documents):
    proof = evidence.prove(documents, min(documents))

    assert evidence.proof_from_json(proof.as_json()) == proof


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"name": "a"},
        {"name": 1, "steps": []},
        {"name": "a", "steps": [{"side": "up", "hash": "0x" + "0" * 64}]},
        {"name": "a", "steps": [{"side": "left", "hash": "0x00"}]},
        {"name": "a", "steps": [{"side": "left", "hash": None}]},
    ],
)
def test_proof__not_shaped_like_one__refuses(value):
    with pytest.raises(evidence.EvidenceError):
        evidence.proof_from_json(value)
