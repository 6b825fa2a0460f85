#!/bin/sh
# Sourced by the scripts: unset the caller's variables that change which code Python runs here.
unset PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS
# And variables that would install the packages elsewhere than in .venv.
unset PIP_PREFIX PIP_TARGET PIP_USER UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON VIRTUAL_ENV
