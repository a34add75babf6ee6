"""YAML text -> plain data and the line on which each value stands; duplicate keys are problems, not silent losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[str | int, ...]


@dataclass
class Lines:
    """Where in the text each value stands, counted from 1."""

    by_path: dict[Path, int] = field(default_factory=dict)

    def of(self, path: Path) -> int:
        """The line of ``path``, or of the nearest value around it that is there."""
        for end in range(len(path), -1, -1):
            if (line := self.by_path.get(path[:end])) is not None:
                return line
        return 1


def read_yaml(text: str) -> tuple[Any, Lines, list[tuple[int, str]]]:
    """The document, its lines, and the problems that YAML itself has with it, as (line, message).

    Anchors and aliases are refused: a segment file needs none, and a few of them can fill the memory.
    """
    lines = Lines()
    problems: list[tuple[int, str]] = []
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, lines, [(1, "the file is empty")]
        _walk(root, (), lines, problems, set())
        document = None if problems else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, lines, [(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}")]
    except RecursionError:
        return None, lines, [(1, "is nested too deeply")]
    except (yaml.YAMLError, ValueError) as error:
        return None, lines, [(1, f"is not YAML: {str(error).splitlines()[0]}")]
    finally:
        loader.dispose()
    return document, lines, problems


def _walk(node: yaml.Node, path: Path, lines: Lines, problems: list[tuple[int, str]], seen: set[int]) -> None:
    """Note every value's line. A node that is met twice is an alias."""
    if id(node) in seen:  # its own mark is that of the anchor
        problems.append((lines.of(path), "YAML aliases (*name) are not taken here"))
        return
    seen.add(id(node))
    lines.by_path.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            key_line = key.start_mark.line + 1
            if name in names:
                problems.append((key_line, f"the key {name!r} stands here for the second time"))
            names.add(name)
            lines.by_path[(*path, name)] = key_line
            _walk(value, (*path, name), lines, problems, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, problems, seen)
