"""edge: the commands that tie a store to a head office, and bring it back from there."""

from pathlib import Path

import click

from kiosk.cli_options import (
    ask_secret,
    config_option,
    echo_json,
    json_option,
    pin_option,
    reports_problems,
    reports_wrong_use,
)
from kiosk.config import load_config

hub_option = click.option("--hub", "url", required=True, help="Address of head office, such as https://office.example.")
code_option = click.option("--code", required=True, help="The code that head office gave for this store; good once.")


@click.command()
@config_option
@hub_option
@code_option
@json_option
@reports_problems
@reports_wrong_use
def enrol(config_file: Path | None, url: str, code: str, as_json: bool) -> None:
    """Join a head office with the code it gave for this store; the service takes part from its next start on."""
    from kiosk.life.enrolment import enrol as join

    joined = join(load_config(config_file), url, code)
    if as_json:
        echo_json({"store": joined.store, "name": joined.name, "url": joined.url})
        return
    click.echo(f"This store is {joined.name} at {joined.url} now. Start the service anew: it sends what it has booked.")


@click.command()
@config_option
@hub_option
@code_option
@click.option("--manager", default="manager", show_default=True, help="Id of the manager to begin with.")
@click.option("--name", default="Manager", show_default=True, help="Name of that manager.")
@pin_option
@json_option
@reports_problems
@reports_wrong_use
def recover(
    config_file: Path | None, url: str, code: str, manager: str, name: str, pin: str | None, as_json: bool
) -> None:
    """Make the store of a lost disk anew from what head office holds of it; the data folder must hold no store."""
    from kiosk.life.initialise import refuse_second_store
    from kiosk.life.recover import recover as fetch

    config = load_config(config_file)
    refuse_second_store(config)
    made = fetch(config, url, code, manager, name, pin or ask_secret("New PIN of the manager"))
    if as_json:
        echo_json(
            {
                "data_dir": str(made.data_dir),
                "entries": made.entries,
                "lives": made.lives,
                "set_aside": made.set_aside,
                "manager": manager,
                "pairing_code": made.pairing_code,
            }
        )
        return
    click.echo(f"Made {made.data_dir} from {made.entries} entries in {made.lives} lives.")
    click.echo("Names and PINs of operators were on the lost disk only, and so were the tokens of the devices.")
    click.echo(f"Sign in as {manager} with the PIN you chose; pair the first till with: {made.pairing_code}")
