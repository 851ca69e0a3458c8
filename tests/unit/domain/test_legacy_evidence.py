from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import evidence, legacy_evidence

PARTS = st.dictionaries(st.text(min_size=1, max_size=6), st.binary(max_size=12), min_size=1)
LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=12, unique=True)


def test_root__three_parts__repeats_the_last_leaf():
    a, b, c = (sha256(part).digest() for part in (b"{}", b"[]", b"1"))
    left, right = sha256(a + b).digest(), sha256(c + c).digest()

    parts = {"order": b"1", "account": b"{}", "fills": b"[]"}

    assert legacy_evidence.root(legacy_evidence.leaves(parts)) == sha256(left + right).digest()


@given(LEAVES)
def test_root__an_odd_level__two_lists_share_one_root(leaves):
    twin = legacy_evidence.longer(leaves)

    if twin is None:
        assert len(leaves) in (1, 2, 4, 8)
    else:
        assert len(twin) > len(leaves)
        assert legacy_evidence.root(twin) == legacy_evidence.root(leaves)
        assert legacy_evidence.shorter(twin) == tuple(leaves)


@given(LEAVES)
def test_shorter__a_list_without_a_repetition__is_none(leaves):
    assert legacy_evidence.shorter(leaves) is None


@given(PARTS)
def test_leaves__renamed_parts_in_the_same_order__are_the_same(parts):
    renamed = {
        f"{place:03d}": parts[name] for place, name in enumerate(sorted(parts))
    }

    assert legacy_evidence.leaves(renamed) == legacy_evidence.leaves(parts)


def test_tree__as_the_file_states_it__tells_root_and_repetition():
    leaves = [sha256(part).digest() for part in (b"1", b"2", b"3", b"3")]
    stated = legacy_evidence.tree(
        {
            "root": legacy_evidence.root(leaves[:3]).hex(),
            "leaves": ["0x" + each.hex().upper() for each in leaves],
        }
    )

    assert stated.is_root_of_leaves
    assert stated.has_repeated_end


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"root": "0" * 64},
        {"root": "0" * 64, "leaves": []},
        {"root": "0" * 64, "leaves": {"a": "0" * 64}},
        {"root": "0" * 63, "leaves": ["0" * 64]},
        {"root": "0" * 64, "leaves": [7]},
        {"root": "0" * 64, "leaves": ["0" * 64], "version": 1},
    ],
)
def test_tree__any_other_shape__refuses(value):
    with pytest.raises(evidence.EvidenceError):
        legacy_evidence.tree(value)
