// SPDX-License-Identifier: Apache-2.0
// The subcommands of mneme-bench: each adds itself to the parser and returns what runs when it was
// chosen.
#pragma once

#include "app/cli/commands.h"

namespace mneme::bench {

using cli::Command;

Command add_ops(CLI::App& parent);
Command add_steps(CLI::App& parent);
Command add_replay(CLI::App& parent);
Command add_device_rows(CLI::App& parent);
Command add_evicted(CLI::App& parent);
Command add_memory(CLI::App& parent);
Command add_tokenizer(CLI::App& parent);

}  // namespace mneme::bench
