"""Processes, signals and folders."""
