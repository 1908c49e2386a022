#!/bin/sh
# Memory first: what it handles each second is little, and garbage of a burst would stay (scripts/quicether).
exec /usr/lib/quicether/node --max-semi-space-size=1 --optimize-for-size /usr/lib/quicether/quicether.js "$@"
