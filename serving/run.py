"""Start the service: check the port, set the environment BentoML reads, hand over to BentoML."""

import errno
import os
import socket
from collections.abc import Mapping

from serving.settings import Settings


class CannotServe(RuntimeError):
    """The service cannot listen; the message says why and what to do."""


def serve(settings: Settings) -> None:
    """Serve until stopped. Raises ``CannotServe`` where host and port cannot be listened on."""
    address = free_address(settings.host, settings.port)
    os.environ.update(environment(settings, os.environ))
    from serving.service import Firstline  # after the environment is set: BentoML reads it when imported

    Firstline.serve_http(host=address, port=settings.port)


def environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """What BentoML and its worker must find in the environment besides ``given``, whose values win.

    No telemetry, no tracing nobody reads, and BentoML's own files in the state folder.
    """
    defaults = {
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "1",
        "OTEL_SDK_DISABLED": "true",
        "OMP_NUM_THREADS": "1",
        "BENTOML_HOME": str(settings.state.absolute() / "bentoml"),
    }
    return {k: v for k, v in defaults.items() if k not in given} | settings.as_environment()


def free_address(host: str, port: int) -> str:
    """The IP address of ``host``, after making sure that ``port`` can be listened on there."""
    try:
        family, kind, _, _, found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise CannotServe(f"FIRSTLINE_HOST is {host!r}: {error.strerror}; use 127.0.0.1 or 0.0.0.0") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(found)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotServe(
                    f"port {port} on {host} is in use by another program: stop that program, "
                    f"or choose another port with FIRSTLINE_PORT={port + 1 if port < 65535 else 3000}"
                ) from None
            raise CannotServe(
                f"cannot listen on {host}:{port}: {error.strerror}; set FIRSTLINE_HOST and FIRSTLINE_PORT"
            ) from None
    return str(found[0])
