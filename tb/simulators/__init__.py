"""Simulators: found, built for, run; and what else reads the RTL."""
