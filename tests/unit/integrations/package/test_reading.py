"""A package as a file: every mistake is told with file, line, path and what to do."""

from pathlib import Path

import pytest

from integrations.package.problems import BadPackage
from integrations.package.reading import Loaded, parse_package, read_packages

GOOD = """\
package: shop
teams: [support]
groups: {finance: {people: [b, a], limits: {a: {EUR: 500}}}}
connections:
  - name: shop
    kind: openapi
    document: {openapi: 3.1.0, info: {title: Shop, version: '1'}, paths: {}}
    auth: {header: Authorization, value: "env:SHOP_TOKEN"}
agents:
  - name: clerk
    team: support
    instructions: Work.
    model: local/m
    outcome: {type: object}
    limits: {cost_usd: 0.50}
sources:
  - {name: orders, signature: stripe, schema: {type: object}}
triggers:
  - {source: orders, agent: clerk, goal: Settle.}
"""


INLINE = "document: {openapi: 3.1.0, info: {title: Shop, version: '1'}, paths: {}}"


def no_network(address: str) -> bytes:
    raise AssertionError(f"nothing may be fetched here: {address}")


def parse(text: str, folder: Path | None = None) -> Loaded:
    return parse_package(text.encode(), file="shop.yaml", folder=folder, fetch=no_network)


def problems(text: str) -> list[str]:
    with pytest.raises(BadPackage) as refused:
        parse(text)
    return [str(problem) for problem in refused.value.problems]


def test_a_good_package_is_read_with_defaults_filled_in() -> None:
    package = parse(GOOD).package
    assert package.agents[0].canonical()["mode"] == "suggest"
    assert package.agents[0].canonical()["limits"] == {"cost_usd": 0.5}
    assert package.groups["finance"].canonical() == {
        "people": ["a", "b"],
        "limits": {"a": {"EUR": 500}},
        "escalates_to": "",
    }
    assert package.sources[0].canonical()["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("package: shop", "package: Shop!", "shop.yaml, line 1, package: This is not a package name."),
        (
            "team: support",
            "team: support\n    taem: x",
            "line 12, agents[0].taem: There is no field taem here. Look for a spelling",
        ),
        ("    instructions: Work.\n", "", "line 10, agents[0].instructions: instructions is missing. Add it."),
        ("model: local/m", "model: m", "line 13, agents[0].model: This is not a model. Write <provider>/<model>"),
        ("cost_usd: 0.50", "cost_usd: -1", "agents[0].limits.cost_usd: A sum of money must be 0 or more."),
        ("cost_usd: 0.50", "turns: twelve", "agents[0].limits.turns: A whole number is expected here."),
        ("goal: Settle.", 'goal: ""', "triggers[0].goal: This must not be empty."),
        ("kind: openapi", "kind: soap", "connections[0].kind: This is not one of the choices. Write 'openapi'"),
        ("{EUR: 500}", "{EUR: 500.5}", "groups.finance.limits.a.EUR: A whole number is expected here."),
        ("limits: {a:", "limits: {c:", "groups.finance: Limits name c, who is not among the people"),
    ],
)
def test_a_mistake_names_file_line_path_and_remedy(old: str, new: str, sentence: str) -> None:
    (found,) = problems(GOOD.replace(old, new))
    assert found.startswith("shop.yaml, line ")
    assert sentence in found


def test_a_secret_typed_into_the_file_is_refused_and_not_repeated() -> None:
    (found,) = problems(GOOD.replace("env:SHOP_TOKEN", "sk-very-secret"))
    assert "never holds one" in found
    assert "very-secret" not in found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems(GOOD.replace("team: support", "team: 7").replace("goal: Settle.", "gaol: x"))) == 3


def test_a_name_that_stands_twice_is_refused() -> None:
    (found,) = problems(GOOD.replace("teams: [support]", "teams: [support, support]"))
    assert "support stands twice in teams" in found


def test_files_beside_the_package_are_read(tmp_path: Path) -> None:
    (tmp_path / "order.schema.json").write_text('{"maximum": 1.5}')
    (tmp_path / "shop.yaml").write_text("openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\npaths: {}\n")
    text = GOOD.replace("schema: {type: object}", "schema: order.schema.json")
    package = tmp_path / "package.yaml"
    package.write_text(text.replace(INLINE, "document: shop.yaml"))
    loaded = read_packages(package, fetch=no_network)[0]
    assert loaded.package.sources[0].schema_ == {"maximum": 1.5}
    assert loaded.documents == {"shop": '{"info":{"title":"Shop","version":"1"},"openapi":"3.1.0","paths":{}}'}
    assert loaded.sources == {"shop": "shop.yaml"}


def test_a_document_at_an_address_is_fetched() -> None:
    document = b'{"openapi": "3.1.0", "info": {"title": "Fetched", "version": "1"}, "paths": {}}'
    text = GOOD.replace(INLINE, 'document: "http://shop.test/api.json"')
    loaded = parse_package(
        text.encode(), file="", folder=None, fetch={"http://shop.test/api.json": document}.__getitem__
    )
    assert '"title":"Fetched"' in loaded.documents["shop"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("paths: {}}", "paths: 3}", "connections[0].document: The document breaks the OpenAPI rules"),
        ("schema: {type: object}", "schema: {type: objekt}", "sources[0].schema: This is not a JSON Schema"),
        ("schema: {type: object}", 'schema: {$ref: "http://x.test/s"}', "sources[0].schema: This is not a JSON Schema"),
    ],
)
def test_documents_and_schemas_that_are_none_are_told(old: str, new: str, words: str) -> None:
    (found,) = problems(GOOD.replace(old, new))
    assert words in found


def test_one_file_may_hold_several_packages(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text("package: a\n---\npackage: b\nteams: [x, x]\n")
    with pytest.raises(BadPackage, match="all.yaml, line 4"):
        read_packages(file, fetch=no_network)


@pytest.mark.parametrize(
    ("name", "words"), [("gone.json", "cannot be read"), ("list.json", "A JSON Schema is expected")]
)
def test_a_file_that_is_missing_or_holds_something_else_is_told(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(BadPackage, match=words):
        parse(GOOD.replace("schema: {type: object}", f"schema: {name}"), folder=tmp_path)


def test_without_a_folder_no_file_is_read() -> None:
    (found,) = problems(GOOD.replace(INLINE, "document: /etc/hostname"))
    assert "cannot be named here" in found
