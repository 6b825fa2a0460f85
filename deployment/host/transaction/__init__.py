"""Carry one change through: planned over ssh, applied by a unit of its own, recovered if it was cut off."""
