#!/usr/bin/env python3
"""Checks a session's log without gonogo: verify_log.py audit.jsonl; exit 0 whole, 1 not."""
import hashlib, json, sys

prev, seq = b"0" * 64, 0
for line in open(sys.argv[1], "rb"):
    seq += 1
    body, tail = line[:-76], line[-76:]  # the tail is ,"hash":"<64 hex>"}\n
    digest = hashlib.sha256(body).hexdigest().encode()
    if tail != b',"hash":"' + digest + b'"}\n':
        sys.exit(f"line {seq}: its hash does not fit")
    if not body.endswith(b',"prev":"' + prev + b'"'):
        sys.exit(f"line {seq}: it does not follow the line before it")
    if json.loads(line)["seq"] != seq:
        sys.exit(f"line {seq}: its number does not follow")
    prev = digest
if seq == 0:
    sys.exit("the log is empty")
print(f"whole: {seq} events, head {seq}:{prev[:8].decode()}")
