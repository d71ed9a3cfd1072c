"""Write the checked outputs of the notebooks anew: run each on the example, keep what is tagged.

python tests/support/notebooks.py
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

import journey_widgets

KEEP = "keep_output"


def stripped(notebook):
    """Take every output out but the kept ones."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        cell.metadata.pop("execution", None)
        if KEEP in cell.metadata.get("tags", []):
            cell.execution_count = number
            for output in cell.outputs:
                output.metadata = {}
                if "execution_count" in output:
                    output.execution_count = number
        else:
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main(folder):
    """Run and strip every notebook of a folder, on a fresh example workspace."""
    with tempfile.TemporaryDirectory() as scratch:
        space = Path(scratch) / "workspace"
        journey_widgets.Workspace.create(space, template="phone_retailer").close()
        os.environ["JOURNEY_WORKSPACE"] = str(space)
        for path in sorted(folder.glob("*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            NotebookClient(
                notebook, timeout=120, resources={"metadata": {"path": str(folder)}}
            ).execute()
            path.write_text(nbformat.writes(stripped(notebook)).rstrip() + "\n", "utf-8")
            print(path.name)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent.parent.parent / "notebooks"))
