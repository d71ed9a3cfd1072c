import nbformat
import pytest

from journey_widgets import shipped
from journey_widgets.errors import ParameterError
from journey_widgets.publish.parameters import Parameter, checked, declared

TAGGED = {"tags": ["parameters"]}


def notebook(path, *cells):
    """Write a notebook of code cells; a cell is its source, or a pair of source and metadata."""
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    for cell in cells:
        source, metadata = cell if isinstance(cell, tuple) else (cell, {})
        made.cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    nbformat.write(made, path)
    return path


def test_a_parameter_has_a_name_a_kind_a_default_and_a_comment(tmp_path):
    path = notebook(tmp_path / "n.ipynb", ('a: int = 3  # how many\nb: str = "x"\n', TAGGED))

    assert declared(path) == [Parameter("a", "int", 3, "how many"), Parameter("b", "str", "x", "")]


@pytest.mark.parametrize("name", ["overview", "journey_map", "raci"])
def test_every_shipped_notebook_declares_its_parameters_with_comments(name):
    found = declared(shipped.notebooks() / f"{name}.ipynb")

    assert [p.name for p in found][:2] == ["workspace", "segment"]
    assert all(p.help for p in found)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["a = 1"], "has 0 code cells tagged"),
        ([("a: int = 1", TAGGED), ("b: int = 1", TAGGED)], "has 2 code cells tagged"),
        ([("a = 1", TAGGED)], "a line like"),
        ([("a: int = len('x')", TAGGED)], "a line like"),
        ([("import os", TAGGED)], "a line like"),
        ([("a: list = []", TAGGED)], "a line like"),
        ([("a: int = 1", TAGGED), "a = 2"], "assigns 'a' again"),
        ([("a: int = 1", TAGGED), "for a in range(3): pass"], "assigns 'a' again"),
    ],
)
def test_a_notebook_whose_parameters_could_be_lost_is_refused(tmp_path, cells, said):
    with pytest.raises(ParameterError, match=said):
        declared(notebook(tmp_path / "n.ipynb", *cells))


KNOWN = [
    Parameter("top", "int", 3, "how many"),
    Parameter("share", "float", 0.5, ""),
    Parameter("draft", "bool", False, ""),
    Parameter("segment", "str", "all", ""),
    Parameter("workspace", "str", "", ""),
]


def test_texts_become_values_of_the_declared_kinds():
    given = {"top": "5", "share": "1e-3", "draft": "yes", "segment": "device=mobile"}

    assert checked(given, KNOWN, where="n") == {
        "top": 5,
        "share": 0.001,
        "draft": True,
        "segment": "device=mobile",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"topp": "5"}, "Did you mean 'top'"),
        ({"top": "five"}, "top='five' is not a value of kind int. .how many."),
        ({"top": "5; import os"}, "is not a value of kind int"),
        ({"draft": "maybe"}, "is not yes or no"),
        ({"segment": "a\nb"}, "one line"),
        ({"segment": "x" * 3_000}, "one line"),
        ({"workspace": "/etc"}, "has no parameter 'workspace'"),
        ({"a=1;import os;b": "1"}, "has no parameter"),
    ],
)
def test_what_was_not_declared_is_refused(given, said):
    with pytest.raises(ParameterError, match=said):
        checked(given, KNOWN, where="n", hidden=("workspace",))
