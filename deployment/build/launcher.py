"""Start one module of the release that this file lies in: run.py MODULE [ARGUMENT ...].

The release is found through the real path, so that a process keeps its own release when `current` turns.
"""

import os
import runpy
import sys

root = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [root, os.path.join(root, "layer")]
os.environ["HELIONYX_RELEASE"] = os.path.basename(root)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
