"""Folders of domains, whose names come from strangers."""

import hashlib
import re
from urllib.parse import quote


def folder_of(domain):
    """A plain name is its own folder; any other keeps its first letters and digits, then `+` and its SHA-256."""
    if _PLAIN.fullmatch(domain) and not _RESERVED.search(domain):
        return domain
    letters = re.sub(r"[^A-Za-z0-9]+", "-", domain)[:40].lower()
    return f"{letters}+{hashlib.sha256(domain.encode()).hexdigest()}"


_PLAIN = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,99}")
_RESERVED = re.compile(r"\.\Z|^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)|^[0-9a-f]{64}\Z")


def folder_before(domain):
    escaped = quote(domain, safe="!'()*-._~")
    if escaped.startswith("."):
        escaped = "%2E" + escaped[1:]
    escaped = escaped or "%"
    return escaped if len(escaped) <= 200 else hashlib.sha256(domain.encode()).hexdigest()
