"""Invented populations as a bulk export has them, with answers that are known beforehand."""
