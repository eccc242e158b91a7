"""The state graph has the counts of the exploration and survives being written and read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import networkx as nx
import pytest
from onceproof.engines.search import Bounds, Budget, explore
from onceproof.engines.search.graph import state_graph, to_dot, to_graphml
from onceproof.machine.system import Machine

from support.machines import balance, orders, random_machine, reference, versions

STRING = r'"((?:[^"\\]|\\.)*)"'


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


@pytest.mark.parametrize("bounds", [Bounds(1), Bounds(2, 2), Bounds(2, 1, 2)])
@pytest.mark.parametrize(
    "machine",
    [
        reference(False),
        balance(True)[0],
        versions(False)[0],
        orders(False)[0],
        random_machine(7)[0],
        random_machine(8)[0],
    ],
    ids=lambda machine: machine.name,
)
def test_counts_are_those_of_the_exploration(machine: Machine, bounds: Bounds) -> None:
    found, graph = explore(machine, bounds, Budget()), state_graph(machine, bounds, Budget())
    assert (len(graph), graph.number_of_edges()) == (found.states, found.transitions)
    assert list(graph) == list(range(found.states))
    assert {data["rule"] for _, _, data in graph.edges(data=True)} == found.fired
    initial = [node for node, data in graph.nodes(data=True) if data["initial"]]
    reached = nx.multi_source_dijkstra_path_length(graph, initial)
    assert max(reached.values()) == found.depth
    assert [reached[node] for node in graph] == sorted(reached.values())  # breadth first
    labels = [data["label"] for _, data in graph.nodes(data=True)]
    assert all(labels)


def test_labels_tell_states_and_actions_apart() -> None:
    graph = state_graph(reference(False), Bounds(2), Budget())
    labels = [data["label"] for _, data in graph.nodes(data=True)]
    assert len(set(labels)) == len(labels)
    assert labels[:2] == ["start", "event q=I\n  worker new"]
    edges = {data["label"]: data["cause"] for _, _, data in graph.edges(data=True)}
    assert edges["handler:4 mail done"] == "handler"
    assert edges["handler worker-killed"] == "worker-killed"
    assert edges["redelivery queue"] == "redelivery"


def test_dot_reads_back() -> None:
    graph = state_graph(reference(False), Bounds(2), Budget())
    graph.nodes[0]["label"] = 'a "quoted" \\n\nlabel\\'
    lines = to_dot(graph, 'the "name"').splitlines()
    assert (lines[0], lines[-1]) == ('digraph "the \\"name\\"" {', "}")
    nodes = [
        re.fullmatch(rf"  (\d+) \[label={STRING}(, peripheries=2)?\];", line) for line in lines
    ]
    edges = [
        re.fullmatch(rf"  (\d+) -> (\d+) \[label={STRING}(, style=dashed)?\];", line)
        for line in lines
    ]
    assert [(int(n[1]), unquoted(n[2]), bool(n[3])) for n in nodes if n] == [
        (node, data["label"], data["initial"]) for node, data in graph.nodes(data=True)
    ]
    assert [(int(e[1]), int(e[2]), unquoted(e[3])) for e in edges if e] == [
        (source, target, data["label"]) for source, target, data in graph.edges(data=True)
    ]
    assert {unquoted(e[3]) for e in edges if e and e[4]} == {"handler worker-killed"}
    assert len(lines) == len(graph) + graph.number_of_edges() + 3


@pytest.mark.slow
def test_graphviz_reads_the_dot() -> None:
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("needs Graphviz")
    graph = state_graph(reference(False), Bounds(2), Budget())
    graph.nodes[0]["label"] = 'a "quoted" \\n\n<label>\\'
    done = subprocess.run(
        [dot, "-Tdot_json"],
        input=to_dot(graph, 'the "name"'),
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(done.stdout)
    assert (len(read["objects"]), len(read["edges"])) == (len(graph), graph.number_of_edges())


def test_graphml_reads_back() -> None:
    graph = state_graph(orders(False)[0], Bounds(1), Budget())
    read = nx.parse_graphml(to_graphml(graph), node_type=int, force_multigraph=True)
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert sorted(read.edges(data="rule")) == sorted(graph.edges(data="rule"))
    assert sorted(read.edges(data="cause")) == sorted(graph.edges(data="cause"))
    assert read.graph["complete"] is True


def test_writing_is_deterministic() -> None:
    machine, bounds = reference(True), Bounds(2)
    first, second = state_graph(machine, bounds, Budget()), state_graph(machine, bounds, Budget())
    assert to_dot(first, "g") == to_dot(second, "g")
    assert to_graphml(first) == to_graphml(second)


def test_a_graph_cut_short_says_so() -> None:
    graph = state_graph(reference(True), Bounds(2, 2), Budget(states=50))
    assert len(graph) == 50
    assert graph.graph["complete"] is False
    assert graph.graph["reason"] == "more than 50 states"
