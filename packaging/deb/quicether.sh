#!/bin/sh
exec /usr/lib/quicether/node /usr/lib/quicether/quicether.js "$@"
