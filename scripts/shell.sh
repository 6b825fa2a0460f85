#!/bin/sh
# Sourced by the scripts: forget what the caller's shell holds and would change what Python runs here.
unset PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONSAFEPATH PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS
