"""A policy as it is recorded, and the version it has by what it says."""

from hashlib import blake2b

from schemas.facts import Data
from schemas.jsontext import read, written_sorted
from schemas.policies import Policy, content_of, policy_of


def versioned(policy: Policy) -> Policy:
    """The policy in the order its content is recorded in, with the version that is the digest of that."""
    content = content_of(policy_of(content_of(policy), ""))
    return policy_of(content, version_of(content))


def version_of(content: Data) -> str:
    """Twelve letters that stand for all that a policy says."""
    return blake2b(written_sorted(content)).hexdigest()[:12]


def written(policy: Policy) -> str:
    """The frozen form of a policy as it is recorded."""
    return written_sorted(content_of(policy)).decode()


def read_written(text: str, version: str) -> Policy:
    """A policy as it was recorded, under the version it was recorded with."""
    return policy_of(read(text), version)
