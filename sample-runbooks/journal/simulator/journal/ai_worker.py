#!/usr/bin/env python3
"""AI inference and speech: what stays in Python. Ends by itself when it is forgotten."""
import signal

signal.alarm(3600)
signal.pause()
