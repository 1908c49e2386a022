//! Threads, sockets, TUN and QUIC connections: what drives `core`.
