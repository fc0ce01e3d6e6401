"""Shim until the vocabulary lands."""


def is_readable(text: str) -> bool:
    return "querschnitt" not in text.casefold() and any(len(word) > 3 for word in text.split())
