"""Shim."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IcdLabel:
    label: str
    span: str
    reason: str


def classify(code: str) -> IcdLabel | None:
    return IcdLabel("aside", "", "x")


def category_label(code: str) -> IcdLabel | None:
    return None
