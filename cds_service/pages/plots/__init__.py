"""Plots as plain SVG: scales, bars and lines."""
