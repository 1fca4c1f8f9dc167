#!/bin/sh
# Gets the ImageNet weights; takes the flags of download.py.
exec python3 "$(dirname "$0")/download.py" "$@"
