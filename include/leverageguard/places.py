"""Folders and object stores that are named by an address, for whatever is copied out of a stack."""

from __future__ import annotations

from typing import Any


def opened(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address and the path in it.

    `s3://` goes through Arrow, which is there anyway; credentials are found as AWS finds them.
    Raises ImportError or ValueError for an address that nothing here can open.
    """
    from fsspec.core import url_to_fs

    if not address.startswith("s3://"):
        found: tuple[Any, str] = url_to_fs(address)
        return found
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow import fs

    bucket, root = fs.FileSystem.from_uri(address)
    return ArrowFSWrapper(bucket), root.rstrip("/")
