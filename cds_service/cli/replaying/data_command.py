"""`lumbar-cds replay-data`: invented patients as a bulk export has them, to try a replay with before one has data."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("replay-data", short_help="Write an invented population as a bulk export, with known answers.")
@click.option("--patients", type=click.IntRange(0, 100_000_000), required=True, help="How many.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="An empty folder.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32), default=1, show_default=True, help="Another one, other patients."
)
@click.option(
    "--orders-share",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="The share of the patients who have a lumbar MRI order.",
)
@click.option("--giant", type=click.IntRange(min=0), default=0, help="One more patient, with so many resources.")
@click.option("--compress", type=click.Choice(["none", "gz"]), default="gz", show_default=True, help="How to pack it.")
@click.option("--processes", type=click.IntRange(1, 256), help="Processes beside each other.  [default: one a core]")
def replay_data(  # noqa: PLR0913, PLR0917 - click hands over each option
    patients: int, out: Path, seed: int, orders_share: float, giant: int, compress: str, processes: int | None
) -> None:
    """Write an invented population as Bulk Data $export writes one, to try `lumbar-cds replay` with.

    Ordinary primary care charts in Synthea's form, about 28 resources each, a few much longer; some patients have a
    lumbar MRI order in a situation whose answer the guideline states. Those answers are in expected.csv, which is no
    part of the export. The same options give the same bytes.
    """
    from cds_service.replay.synthetic.population import Population
    from cds_service.replay.synthetic.writing import EXPECTED, write_population

    if out.exists() and any(out.iterdir()):
        raise click.ClickException(f"{out}: holds other files; name an empty folder")
    population = Population(patients, seed, orders_share, giant)
    processes = processes or len(os.sched_getaffinity(0))
    try:
        written = write_population(population, out, packed=compress == "gz", processes=processes)
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror}") from None
    click.echo(f"{sum(written.files.values()):,} resources in {len(written.files)} files; answers in {out / EXPECTED}")
