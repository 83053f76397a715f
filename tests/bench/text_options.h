// SPDX-License-Identifier: Apache-2.0
// What a command is told that replays texts.
#pragma once

#include <string>
#include <vector>

#include "app/cli/values.h"

namespace mneme::bench {

struct TextOptions {
  std::string model;  // whose tokenizer reads the texts; "": the default model
  std::string streams;
  std::vector<std::string> only;
  bool json = false;
};

inline void add_text_options(CLI::App& app, TextOptions& options) {
  cli::add_name(app, "-m,--model", options.model, "FILE", "GGUF whose tokenizer reads the texts",
                "the default model");
  cli::add_name(app, "--streams", options.streams, "FOLDER",
                "texts, made with tests/bench/make_streams.py")
      ->required();
  cli::add_names(app, "--stream", options.only, "NAME", "only this text; may be given again");
  app.add_flag("--json", options.json, "machine-readable output");
}

}  // namespace mneme::bench
