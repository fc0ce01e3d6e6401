"""Which files are the export, wherever Spark finds them: by their names, and by a manifest where there is one."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from cds_service.protocol.errors import SettingsError
from cds_service.replay.export.files import Export, ExportFile, Manifest, is_named_like_export, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyspark.sql import SparkSession

_LARGEST_MANIFEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of an export by their addresses: those of lines, those that are one document each."""

    export: Export
    lines: tuple[str, ...]
    documents: tuple[str, ...]


def find_inputs(spark: SparkSession, sources: Sequence[str]) -> Inputs:
    """Return the files of some folders; SettingsError where there is none, or one that Spark cannot read."""
    listed = sorted(_listed(spark, sources))
    manifest, manifests = _manifests(spark, [one for one in listed if one.is_document])
    named = {one.path.name for one in listed}
    files, ignored, read = [], [], list[_Listed]()
    for one in listed:
        if one.uri in manifests:
            continue
        if not (one.path.name in manifest.contents or is_named_like_export(Path(one.path))):
            ignored.append(one.name)
            continue
        content = manifest.contents.get(one.path.name, "resources")
        files.append(ExportFile(Path(one.path), one.name, one.size, one.modified, content=content))
        if content != "errors":
            read.append(one)
    if not files:
        raise SettingsError([f"{', '.join(sources)}: no .ndjson or .json file is there"])
    if odd := [one.name for one in read if one.path.suffix.lower() in (".zst", ".zstd")]:
        raise SettingsError([f"{odd[0]}: Spark cannot unpack it; pack it with gzip, or use the engine local"])
    absent = tuple(sorted(name for name in manifest.contents if name not in named))
    return Inputs(
        Export(tuple(files), tuple(ignored), absent),
        tuple(one.uri for one in read if not one.is_document),
        tuple(one.uri for one in read if one.is_document),
    )


@dataclass(frozen=True, slots=True, order=True)
class _Listed:
    name: str
    uri: str
    size: int
    modified: int

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(self.uri).path))

    @property
    def is_document(self) -> bool:
        """Whether the file is one JSON document rather than lines of them."""
        return ".json" in (suffix.lower() for suffix in self.path.suffixes[-2:])


def _listed(spark: SparkSession, sources: Sequence[str]) -> Iterator[_Listed]:
    """Yield what is in the folders; nothing is read of it."""
    from pyspark.errors import AnalysisException  # noqa: PLC0415 (comes with the spark extra)

    for source in sources:
        reader = spark.read.format("binaryFile").option("recursiveFileLookup", value=True)
        try:
            found = (
                reader.load(source).selectExpr("path", "length", "unix_millis(modificationTime) AS modified").collect()
            )
        except AnalysisException as error:
            raise SettingsError([f"{source}: cannot be read ({error.getCondition()})"]) from None
        yield from (_Listed(name_of(row.path, [source]), row.path, row.length, row.modified) for row in found)


def name_of(uri: str, sources: Iterable[str]) -> str:
    """Return how reports call a file: its folder's name, and its path there."""
    path = PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(uri).path))
    for source in sources:
        root = PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(source).path))
        if path == root:
            return path.name
        if path.is_relative_to(root):
            return f"{root.name}/{path.relative_to(root)}"
    return path.name


def _manifests(spark: SparkSession, documents: Sequence[_Listed]) -> tuple[Manifest, frozenset[str]]:
    """Return what manifests say, and which files these are; Bundles are looked at where they lie."""
    manifest, found = Manifest(), set[str]()
    small = [one.uri for one in documents if one.size <= _LARGEST_MANIFEST]
    if small:
        texts: Any = spark.read.format("binaryFile").load(small).selectExpr("path", "CAST(content AS STRING) AS text")
        likely = texts.where("contains(text, '\"output\"') AND get_json_object(text, '$.resourceType') IS NULL")
        for row in likely.collect():
            if (document := read_manifest(row.text.encode())) is not None:
                found.add(row.path)
                manifest.take(document)
    return manifest, frozenset(found)
