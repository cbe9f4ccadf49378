"""Who may use the service."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

keys = typer.Typer(help="API keys of the service: made, listed, revoked.", no_args_is_help=True)


@keys.command("new")
def keys_new(
    name: Annotated[str, typer.Argument(help="Who uses it, for example zendesk or ann.")],
    role: Annotated[str, typer.Option(help="helpdesk, agent, lead, ops or admin.")],
    rate: Annotated[float, typer.Option(help="Requests a second that it may make.")] = 100.0,
) -> None:
    """Make a key and print it once: the store keeps only its hash. Running workers know it within seconds."""
    from serving.keys import new_key

    with _store().writing() as connection:
        made = new_key(connection, name, role, datetime.now(UTC), rate)
    typer.echo(made)
    typer.echo("this key is not shown again: put it where its user keeps secrets", err=True)


@keys.command("list")
def keys_list() -> None:
    """List every key: id, name, role, rate, when it was made and when it was revoked."""
    from serving.keys import all_keys

    with _store().reading() as connection:
        known = all_keys(connection)
    for key in known:
        ended = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "valid"
        typer.echo(
            f"{key.key_id}  {key.role:<8}  {key.requests_per_second:>6g}/s  "
            f"made {key.created_at:%Y-%m-%d %H:%M}  {ended}  {key.name}"
        )
    if not known:
        typer.echo("there is no key: `firstline keys new NAME --role helpdesk` makes one")


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="Id, as `keys list` shows it.")]) -> None:
    """Make a key invalid; running workers refuse it within seconds."""
    from serving.keys import revoke_key

    with _store().writing() as connection:
        revoke_key(connection, key_id, datetime.now(UTC))
    typer.echo(f"{key_id} is revoked")


def _store() -> Any:
    from serving.settings import Settings
    from serving.store import open_store

    return open_store(Settings())
