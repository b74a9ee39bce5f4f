"""Blind comparison of random cells with their pages: how many values are wrong, at most."""
