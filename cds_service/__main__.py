"""Lets `python -m cds_service` do what the installed `lumbar-cds` command does."""

from cds_service.cli.main import main

if __name__ == "__main__":
    main(prog_name="lumbar-cds")
