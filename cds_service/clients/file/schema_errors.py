"""What does not fit the schema of the clients file, in sentences that never hold a value of it.

A key or a password that was put in the wrong place would otherwise be printed and kept in a log.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from cds_service.protocol import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema.exceptions import ValidationError

# Members of a JWK that only its owner may know, or that make it a shared secret.
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

_TYPES: Final = {
    "object": "a table",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}

_SENTENCES: Final[dict[str, Callable[[Any], str]]] = {
    "type": lambda kind: f"must be {_TYPES[kind]}",
    "enum": lambda values: f"must be {'one of ' if len(values) > 1 else ''}{', '.join(values)}",
    "required": lambda _: "is missing",
    "minimum": lambda least: f"must be at least {least}",
    "maximum": lambda most: f"must be at most {most}",
    "minLength": lambda _: "must not be empty",
    "maxLength": lambda most: f"must be at most {most} characters long",
    "minItems": lambda _: "must not be empty",
    "maxItems": lambda most: f"must have at most {most} entries",
    "minProperties": lambda _: "must not be empty",
    "maxProperties": lambda most: f"must have at most {most} entries",
    "uniqueItems": lambda _: "holds the same entry twice",
}


def misfits(document: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for everything that does not fit the schema, each beginning with where it is."""
    said: set[str] = set()
    for error in schemas.CLIENTS.violations(document):
        where = schemas.field_path(error) or "the file"
        if error.validator == "additionalProperties":
            yield from _unknown_keys(error)
        elif error.validator == "enum" and "propertyNames" in error.schema_path:
            known: Any = error.validator_value
            yield f"{where}: holds a name that is none of {', '.join(known)}"
        elif "propertyNames" in error.schema_path:
            yield f"{where}: the name of a client must be {_comment(error)}"
        elif where not in said:  # what is of the wrong type often is too large as well
            said.add(where)
            yield f"{where}: {_sentence(error)}"


def _sentence(error: ValidationError) -> str:
    if error.validator == "pattern":
        return f"must be {_comment(error)}"
    return _SENTENCES[str(error.validator)](error.validator_value)


def _comment(error: ValidationError) -> str:
    """Return what a pattern asks for; every pattern of the schema says it."""
    schema: Any = error.schema
    return str(schema["$comment"])


def _unknown_keys(error: ValidationError) -> Iterator[str]:
    schema: Any = error.schema
    instance: Any = error.instance
    known: dict[str, Any] = schema["properties"]
    where = schemas.field_path(error)
    for key in instance:
        if key in known:
            continue
        path = f"{where}.{key}".removeprefix(".")
        if "kty" in known and key in _PRIVATE_MEMBERS:
            yield (
                f"{path}: this is a secret part of a key and must not stand here; give the public key only, and "
                "replace the key pair, since its secret has been copied"
            )
        else:
            near = get_close_matches(key, known, n=1)
            yield f"{path}: there is no such key" + (f"; did you mean {near[0]}?" if near else "")
