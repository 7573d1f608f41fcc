#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A few rounds of scripts/soak: kills at random moments. The long form is for
# who has hours.
exec "$(dirname "$0")/../../scripts/soak" --rounds "${EBB_SOAK_ROUNDS:-12}"
