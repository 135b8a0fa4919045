#!/usr/bin/env python3
"""Sends many events at once, all marked synthetic, and counts the answers: burst.py URL N. The token is in TOKEN."""
import collections
import concurrent.futures
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

url, many = sys.argv[1], int(sys.argv[2])


def send(number):
    headers = {
        "Authorization": "Bearer " + os.environ["TOKEN"],
        "Content-Type": "application/json",
        "X-Request-ID": str(uuid.uuid4()),
        "Idempotency-Key": str(uuid.uuid4()),
    }
    body = json.dumps({"synthetic": True, "kind": "burst", "number": number}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return "error"


with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for answer, count in sorted(collections.Counter(pool.map(send, range(many))).items(), key=str):
        print(f"{answer}: {count}")
