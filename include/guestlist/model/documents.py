"""YAML text -> plain data and the line on which each value stands; duplicate keys are problems, not silent losses.

What a small file can blow up (depth, aliases, tags, endless numbers) is refused before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LONGEST_TEXT = 256 << 10
"""Characters. The largest file that anybody has written by hand has a few thousand."""
_DEEPEST = 20  # libyaml builds values by recursion in C: some ten thousand brackets end the process
_LONGEST_NUMBER = 50  # characters; Python takes for ever to write out a number of a hundred thousand digits, or refuses
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
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

    Aliases and tags are refused: a segment file needs none, and a few of them can fill the memory or the log.
    """
    lines = Lines()
    if len(text) > LONGEST_TEXT:
        return None, lines, [(1, f"is larger than {LONGEST_TEXT >> 10} KiB: this is no file that a person wrote")]
    loader = _Loader(text)
    try:
        problems = list(_refusals(text))
        if problems:
            return None, lines, problems
        root = loader.get_single_node()
        if root is None:
            return None, lines, [(1, "the file is empty")]
        _walk(root, (), lines, problems)
        document = None if problems else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, lines, [(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}")]
    except (yaml.YAMLError, ValueError) as error:
        return None, lines, [(1, f"is not YAML: {str(error).splitlines()[0]}")]
    finally:
        loader.dispose()
    return document, lines, problems


def _refusals(text: str) -> Iterator[tuple[int, str]]:
    """What is not taken here, found in the stream of events, which costs no memory however deep the text is."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            yield line, "YAML aliases (*name) are not taken here"
        elif getattr(event, "tag", None):
            yield line, "YAML tags (!name) are not taken here"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            yield line, f"is nested too deeply: more than {_DEEPEST} levels"
            return


def _walk(node: yaml.Node, path: Path, lines: Lines, problems: list[tuple[int, str]]) -> None:
    """Note every value's line."""
    line = node.start_mark.line + 1
    lines.by_path.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            key_line = key.start_mark.line + 1
            if name in names:
                problems.append((key_line, f"the key {name!r} stands here for the second time"))
            names.add(name)
            lines.by_path[(*path, name)] = key_line
            _walk(value, (*path, name), lines, problems)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, problems)
    elif node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
        problems.append((line, f"is a number of {len(node.value)} characters: put a text in quotes"))
