"""Start the service: check the port, set the environment BentoML reads, hand over to BentoML."""

import errno
import os
import socket
import sys
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from serving.door import is_loopback
from serving.keys import all_keys
from serving.settings import Settings
from serving.store import open_store

WITHOUT_KEYS = """\
************************************************************************
* DEVELOPMENT MODE: nobody needs an API key, everybody is admin.       *
* Only programs on this machine can connect. For anything else:        *
*   firstline keys new NAME --role helpdesk && firstline serve         *
************************************************************************"""


class CannotServe(RuntimeError):
    """The service cannot listen, or nobody could use it; the message says why and what to do."""


def serve(settings: Settings) -> None:
    """Serve until stopped. Raises ``CannotServe`` where it cannot listen, or would listen without keys."""
    address = free_address(settings.host, settings.port)
    check_door(settings, address)
    os.environ.update(environment(settings, os.environ))
    from serving.service import Firstline  # after the environment is set: BentoML reads it when imported

    Firstline.serve_http(host=address, port=settings.port)


def check_door(settings: Settings, address: str) -> None:
    """Raise ``CannotServe`` where nobody could come in, or everybody; warn where only this machine can."""
    if settings.development:
        if not is_loopback(address):
            raise CannotServe(
                f"development mode needs no keys and so must not listen on {address}: use 127.0.0.1, "
                "or make keys with `firstline keys new` and leave FIRSTLINE_DEVELOPMENT out"
            )
        print(WITHOUT_KEYS, file=sys.stderr, flush=True)
        return
    store = open_store(settings)
    try:
        with store.reading() as connection:
            known = all_keys(connection)
    except SQLAlchemyError as error:
        raise CannotServe(f"the store does not answer ({type(error).__name__}): start it first") from None
    finally:
        store.close()
    if not any(key.revoked_at is None for key in known):
        raise CannotServe(
            "no API key is valid, so nobody could use the service: make one with `firstline keys new NAME "
            "--role helpdesk`, or look around on this machine with `firstline serve --development`"
        )


def environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """What BentoML and its worker must find in the environment besides ``given``, whose values win.

    No telemetry, no tracing nobody reads, BentoML's own files in the state folder, and two heaps for all
    threads (glibc makes up to eight a core, each of which keeps what a loaded release needed for a moment).
    """
    defaults = {
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "1",
        "OTEL_SDK_DISABLED": "true",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
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
