"""Who may use the service, whether its records are whole, and how they are kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
audit = typer.Typer(help="The ledger: signed checkpoints, and whether it is whole.", no_args_is_help=True)
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


@audit.command("keys")
def audit_keys() -> None:
    """Make a key pair for checkpoints: the private key signs, the public one is for whoever checks."""
    from serving.checkpoints import PRIVATE_KEY, PUBLIC_KEY, new_keys

    private, public = new_keys()
    typer.echo(f"{PRIVATE_KEY}={private}\n{PUBLIC_KEY}={public}")


@audit.command("checkpoint")
def audit_checkpoint() -> None:
    """Sign the ledger as it is now; `firstline tick` does the same where a key is set."""
    from serving.checkpoints import PRIVATE_KEY, AuditKeyError, append_checkpoint, private_key
    from serving.settings import Settings

    key, path = private_key(), Settings().checkpoints
    if key is None:
        raise AuditKeyError(f"{PRIVATE_KEY} is not set: `firstline audit keys` makes one")
    with _store().reading() as connection:
        made = append_checkpoint(connection, path, key, datetime.now(UTC))
    typer.echo(
        f"{made.entries} entries signed in {path}" if made else "nothing is new since the last checkpoint"
    )


@audit.command("verify")
def audit_verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="File of checkpoints, for example a copy kept elsewhere.")
    ] = None,
) -> None:
    """Check the ledger, all that it vouches for, and every checkpoint (exit status 1: something is wrong)."""
    from serving import checkpoints as signed
    from serving.settings import Settings

    found = signed.read_checkpoints(checkpoints or Settings().checkpoints)
    key = signed.public_key() if found else None
    with _store().reading() as connection:
        said = signed.audit(connection, found, key)
    for problem in said.problems:
        typer.echo(problem)
    typer.echo(
        f"{said.entries} entries, {said.checkpoints} checkpoints, {said.unsigned_entries} entries since the "
        f"newest: {f'{len(said.problems)} problems' if said.problems else 'whole'}"
    )
    if said.erased or said.reduced:
        typer.echo(f"{said.erased} rows erased and {said.reduced} reduced on demand (`firstline forget`)")
    raise typer.Exit(1 if said.problems else 0)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="Folder that gets a new folder.")]) -> None:
    """Back up store, releases and checkpoints while the service runs."""
    from serving.backup import back_up
    from serving.settings import Settings

    typer.echo(f"backed up to {back_up(Settings(), folder, datetime.now(UTC))}")


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="A folder that `firstline backup` made.")]) -> None:
    """Put a backup back into an empty state folder and database, and check it."""
    from serving.backup import restore as put_back
    from serving.settings import Settings

    typer.echo(f"restored: the ledger's {put_back(Settings(), folder)} entries are whole")
    typer.echo("repeat `firstline forget` for whoever was forgotten since this backup (docs/privacy.md)")


def _store() -> Any:
    from serving.settings import Settings
    from serving.store import open_store

    return open_store(Settings())
