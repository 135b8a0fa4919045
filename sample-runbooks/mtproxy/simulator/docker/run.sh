#!/bin/sh
# Only the shape of its arguments is of interest here.
echo "arguments: -p PORT -H PORT -S SECRET --aes-pwd FILE CONFIG"
