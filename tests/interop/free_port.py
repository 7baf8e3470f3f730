"""A port on loopback for a server that takes seconds to start."""

import random
import socket


def free_port():
    """Below those that the system gives to clients: one of these may be taken, by a test
    that runs at the same time, before the server has bound it."""
    ports = random.SystemRandom().sample(range(20000, 32000), 100)
    for port in ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("a hundred ports are all in use")
