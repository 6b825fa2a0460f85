#!/bin/sh
# Sourced by the scripts: forget what the caller's shell holds, where it changes what Python runs here.
unset PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS
# And what would have the packages installed elsewhere than in .venv.
unset PIP_PREFIX PIP_TARGET PIP_USER UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON VIRTUAL_ENV
