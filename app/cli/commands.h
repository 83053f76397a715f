// SPDX-License-Identifier: Apache-2.0
// The subcommands: each adds itself to the parser and returns what runs when it was chosen.
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace mneme::cli {

using Command = std::function<int()>;  // returns the exit code

Command add_chat(CLI::App& parent);
Command add_complete(CLI::App& parent);
Command add_inspect(CLI::App& parent);
Command add_perplexity(CLI::App& parent);
Command add_compare(CLI::App& parent);
Command add_bench(CLI::App& parent);
Command add_bench_tables(CLI::App& bench);
Command add_check(CLI::App& parent);
Command add_devices(CLI::App& parent);
Command add_machine(CLI::App& parent);
Command add_models(CLI::App& parent);
Command add_pack(CLI::App& parent);
Command add_synth(CLI::App& parent);
Command add_tables(CLI::App& parent);

}  // namespace mneme::cli
