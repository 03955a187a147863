"""What the end-to-end tests, the demos and the benchmarks share: real programs, always reaped."""

from . import loopback

loopback.install()
