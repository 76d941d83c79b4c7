"""A simulator of Freshdesk: stateful, seeded, with a virtual clock, served on a loopback socket."""
