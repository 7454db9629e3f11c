"""Diff of two versions: why are they different?"""
