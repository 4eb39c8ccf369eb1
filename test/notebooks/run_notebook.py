"""run_notebook.py NOTEBOOK: executes it in the kernel that it names and prints it, with its outputs, as JSON.

It works in the notebook's own folder, as Jupyter does. A cell that fails ends it, with the cell's error as the message.
"""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

path = pathlib.Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
print(nbformat.writes(notebook))
