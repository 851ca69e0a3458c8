"""State machines as data: which moves there are, who makes them and by which rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass


class IllegalMove(Exception):
    """A move along an edge that the machine does not have; the message names both states."""


@dataclass(frozen=True)
class Edge:
    """One allowed move; `from_state` is None for the first one of a life."""

    machine: str
    from_state: str | None
    to_state: str
    rule_id: str
    mover: str
    description: str


@dataclass(frozen=True)
class Machine:
    """The moves of one kind of thing: a claim, a policy."""

    name: str
    edges: tuple[Edge, ...]

    @property
    def states(self) -> frozenset[str]:
        """Every state there is."""
        return frozenset(edge.to_state for edge in self.edges)

    def edge(self, from_state: str | None, to_state: str, rule_id: str) -> Edge:
        """The edge of this move by this rule; raises IllegalMove when there is none."""
        for edge in self.edges:
            if (edge.from_state, edge.to_state, edge.rule_id) == (from_state, to_state, rule_id):
                return edge
        raise IllegalMove(
            f"a {self.name} cannot go from {from_state or 'nothing'} to {to_state} by {rule_id}"
        )

    def route(
        self, from_state: str | None, to_state: str, rule_ids: Collection[str]
    ) -> tuple[Edge, ...] | None:
        """The shortest way that uses these rules alone: empty when already there, None for none.

        Of two equally short ways the one whose edges stand first in the table.
        """
        queue: deque[tuple[str | None, tuple[Edge, ...]]] = deque([(from_state, ())])
        seen = {from_state}
        while queue:
            state, way = queue.popleft()
            if state == to_state:
                return way
            for edge in self.edges:
                is_new = edge.from_state == state and edge.to_state not in seen
                if is_new and edge.rule_id in rule_ids:
                    seen.add(edge.to_state)
                    queue.append((edge.to_state, (*way, edge)))
        return None


def machines(edges: Iterable[Edge]) -> dict[str, Machine]:
    """The machines by name, their edges in the order given."""
    by_name: dict[str, list[Edge]] = {}
    for edge in edges:
        by_name.setdefault(edge.machine, []).append(edge)
    return {name: Machine(name, tuple(found)) for name, found in by_name.items()}
