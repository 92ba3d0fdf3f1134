"""The way of a trace to the pins and back."""
