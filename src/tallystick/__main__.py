"""`python -m tallystick` is the command `tallystick`."""

from tallystick.cli.app import main

main()
