"""The designs the gas benchmark compares."""
