"""Mappings: how rows and JSON objects become records, written by a person in YAML, checked, and compiled once."""

from tallystick.connectors.mapping.fields import Condition, Conditions, FieldMapping, PathText, Shape
from tallystick.connectors.mapping.loading import ProjectPath, load_described
from tallystick.connectors.mapping.mapper import Mapper
from tallystick.connectors.mapping.paths import Getter, getter
from tallystick.connectors.mapping.provenance import provenance_row
from tallystick.connectors.mapping.reading import Reader, Unreadable, reader
from tallystick.connectors.mapping.record import MappingFile, RecordMapping
from tallystick.connectors.mapping.rows import decode_object, row_bytes
from tallystick.connectors.mapping.tables import Tables
from tallystick.yamlfile import Document, FieldError

__all__ = [
    "Condition",
    "Conditions",
    "Document",
    "FieldError",
    "FieldMapping",
    "Getter",
    "Mapper",
    "MappingFile",
    "PathText",
    "ProjectPath",
    "Reader",
    "RecordMapping",
    "Shape",
    "Tables",
    "Unreadable",
    "decode_object",
    "getter",
    "load_described",
    "provenance_row",
    "reader",
    "row_bytes",
]
