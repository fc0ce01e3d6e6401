"""Shim."""


def drug_concepts(name: str) -> frozenset[str]:
    return frozenset()
