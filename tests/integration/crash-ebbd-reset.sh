#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# crash-ebbd, where the guest is reset while ebbd is stopped on its way to a punch.
exec "$(dirname "$0")/crash-ebbd.sh" over-reset
