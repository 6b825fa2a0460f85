"""Observe one environment: every fact that a plan depends on."""
