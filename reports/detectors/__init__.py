"""A file of detector data → which detectors can be believed, what they saw, and one HTML page.

This is not in `formats/`, which knows no traffic, nor in `signals/detectors.py`, which must decide in the second from
what it has seen so far: here the whole file is known, its end included. The limits that both use are that file's.
"""
