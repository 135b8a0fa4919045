#!/usr/bin/env python3
"""Clients of the proxy: clients.py PORT PIDFILE. Twenty requests a second for an hour, answered or not."""

import http.client
import os
import sys
import time

port, pidfile = int(sys.argv[1]), sys.argv[2]
with open(pidfile, "w") as file:
    file.write(f"{os.getpid()}\n")
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
for _ in range(20 * 3600):
    try:
        connection.request("GET", "/livez")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        # Nobody is there, as while the runtimes change; the next one asks anew.
        connection.close()
    time.sleep(0.05)
