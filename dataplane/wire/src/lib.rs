//! Framing of what boxes send each other: cells, pieces of trains, control messages. No I/O, no clock.
