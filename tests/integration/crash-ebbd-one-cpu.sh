#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# crash-ebbd in a guest of one CPU.
EBB_GUEST_CPUS=1 exec "$(dirname "$0")/crash-ebbd.sh"
