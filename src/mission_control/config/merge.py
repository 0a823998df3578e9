"""Layers laid over each other: the last one that sets a value wins, and the value keeps its source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from mission_control.config.home import expand_home
from mission_control.config.layers import Layer, Leaf, Text
from mission_control.config.problems import DEFAULT, Problem, Source
from mission_control.config.schema import KeyPath, Schema, dotted

DEFAULT_GATEWAY_URL = "ws://127.0.0.1:18789"
"""Where a gateway listens unless it was told otherwise; assumed when only its token is given."""


@define
class Merged:
    """The values so far as one tree, with the source of each leaf."""

    home: Path
    schema: Schema
    tree: dict[str, Any] = field(factory=dict)
    sources: dict[KeyPath, Source] = field(factory=dict)
    problems: list[Problem] = field(factory=list)

    def source_of(self, path: KeyPath) -> Source:
        """Where a value was set; for one that was not, where its nearest neighbour was."""
        if path in self.sources:
            return self.sources[path]
        for length in range(len(path), 0, -1):
            for leaf, source in self.sources.items():
                if leaf[:length] == path[:length]:
                    return Source(source.place, None if source.key is None else dotted(path))
        return DEFAULT

    def add(self, layer: Layer) -> None:
        """Lay ``layer`` over what is there."""
        self.problems.extend(layer.problems)
        self._refuse_rivals(layer)
        if _sets_simulate(layer) and not layer.gateway:
            self._drop(("gateways",))
        if layer.gateway or any(leaf.path[0] == "gateways" for leaf in layer.leaves):
            self._drop(("simulate",))
        for leaf in layer.leaves:
            self._put(leaf)
        if layer.gateway:
            self._put_gateway(layer.gateway)

    def _put_gateway(self, fields: Mapping[str, Leaf]) -> None:
        """The single-gateway shortcut: a URL replaces every gateway, a token alone belongs to the only one."""
        some = next(iter(fields.values()))
        gateways = self.tree.get("gateways", [])
        if "url" in fields:
            self._drop(("gateways",))
        elif not gateways:
            self._put(Leaf(("gateways", 0, "url"), Text(DEFAULT_GATEWAY_URL), some.source, some.base))
        elif len(gateways) > 1:
            allowed = "a token for each of the gateways, in the file or as MISSION_CONTROL_GATEWAYS__N__TOKEN"
            self.problems.append(Problem(str(some.source), f"one token for {len(gateways)} gateways", allowed))
            return
        for leaf in fields.values():
            self._put(leaf)

    def _put(self, leaf: Leaf) -> None:
        *parents, last = leaf.path
        node: Any = self.tree
        for part, following in zip(parents, leaf.path[1:], strict=True):
            node = self._child(node, part, [] if isinstance(following, int) else {})
        if isinstance(last, str) and isinstance(node, dict):
            if rival := self.schema.rival_of(leaf.path):
                self._drop(rival)
            node[last] = self._resolved(leaf) if self.schema.kind(leaf.path) is Path else leaf.value
            self.sources[leaf.path] = leaf.source
        elif node is None and any(isinstance(part, int) for part in parents):
            allowed = "the gateways counted from 0 without a gap"
            self.problems.append(Problem(str(leaf.source), f"no {dotted(tuple(parents))} before it", allowed))

    def _child(self, node: Any, part: str | int, empty: Any) -> Any:
        """The table or list at ``part``, made if it is the next one; None where there can be none."""
        if isinstance(node, dict):
            return node.setdefault(part, empty)
        if isinstance(node, list) and isinstance(part, int) and part <= len(node):
            if part == len(node):
                node.append(empty)
            return node[part]
        return None

    def _drop(self, path: KeyPath) -> None:
        """Forget a value and all below it."""
        *parents, last = path
        node: Any = self.tree
        for part in parents:
            node = node[part]
        node.pop(last, None)
        self.sources = {leaf: source for leaf, source in self.sources.items() if leaf[: len(path)] != path}

    def _resolved(self, leaf: Leaf) -> Any:
        """A path made absolute; anything but a text stays for the structuring to refuse."""
        if not isinstance(leaf.value, str) or not leaf.value:
            return leaf.value
        return str(leaf.base / expand_home(leaf.value, self.home))

    def _refuse_rivals(self, layer: Layer) -> None:
        set_here = {leaf.path: leaf for leaf in [*layer.leaves, *layer.gateway.values()]}
        for path, leaf in set_here.items():
            secret_path = self.schema.secret_of(path)
            if secret_path is not None and (secret := set_here.get(secret_path)) is not None:
                self.problems.append(Problem(str(secret.source), f"also {leaf.source}", "one of the two"))
        simulate = next((leaf for leaf in layer.leaves if leaf.path == ("simulate",)), None)
        gateway = next((leaf for path, leaf in set_here.items() if path[0] == "gateways"), None)
        if simulate is not None and gateway is not None and _sets_simulate(layer):
            self.problems.append(Problem(str(simulate.source), f"also {gateway.source}", "one of the two"))


def merge(layers: Sequence[Layer], home: Path, schema: Schema) -> Merged:
    """All layers, the weakest first."""
    merged = Merged(home, schema)
    for layer in layers:
        merged.add(layer)
    return merged


def _sets_simulate(layer: Layer) -> bool:
    return any(leaf.path == ("simulate",) and str(leaf.value).strip() != "0" for leaf in layer.leaves)
