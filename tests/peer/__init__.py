# SPDX-License-Identifier: GPL-2.0
"""SDT by docs/PROTOCOL.md alone: a second implementation, and what it does to the first. See README.md."""
