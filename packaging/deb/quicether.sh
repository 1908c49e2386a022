#!/bin/sh
# Memory first: what it handles each second is little, and garbage of a burst would stay (scripts/quicether).
# Passwords take 19 MB each to check: given back to the kernel at once (glibc would keep 20 MB for each thread).
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_-8388608}"
exec /usr/lib/quicether/node --max-semi-space-size=1 --optimize-for-size /usr/lib/quicether/quicether.js "$@"
