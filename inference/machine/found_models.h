// SPDX-License-Identifier: Apache-2.0
// The models that lie on this machine, also those of other programs, which are opened where they
// lie. Only headers are read, and whatever lies there is taken for hostile: nothing but regular
// files is opened, and every search is bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "inference/machine/model_places.h"

namespace mneme {

// Every text of it may hold anything that a file or folder can be called: show it printable().
struct FoundModel {
  enum class Memory : std::uint8_t {
    none,
    tables,  // n-gram tables in the file itself
    pack,    // a memory pack that fits lies beside it or in Mneme's own folders
  };
  std::string path;          // to open it by: a file, or a folder of the Hugging Face hub
  std::string program;       // that it was found in: ModelPlace::program
  std::string name;          // as that program calls it ("llama3.2:3b"), else the file's
  std::string architecture;  // "llama"; empty where the file does not say
  std::string quantisation;  // the type that most bytes of the weights have: "Q4_K"
  std::uint64_t bytes = 0;   // of all its files
  std::int64_t experts = 0;  // of a mixture; 0 = dense
  Memory memory = Memory::none;
  std::string pack_path;  // where memory is `pack`
  std::string unusable;   // why Mneme cannot open it, one sentence; empty: it can
  bool opens() const { return unusable.empty(); }
};

struct FoundModels {
  std::vector<FoundModel> models;   // those that open first, then by name
  std::vector<ModelPlace> looked;   // the places that are there
  std::vector<ModelPlace> missing;  // those that are not
  // What was not looked at and why, one sentence each: a folder that may not be read, a bound.
  std::vector<std::string> left_out;
  bool stopped = false;  // by the flag: the list is not whole
};

// Looks through all places. Whether a model can be opened is what the code says that opens it
// (check_model_header()), without loading anything; what only its whole vocabulary or its memory
// tells is told when it is opened. `stop` is asked between files: one file on a drive
// that does not answer is waited for. Any thread, some milliseconds to seconds; never fails.
FoundModels find_models(const std::vector<ModelPlace>& places, const std::atomic<bool>& stop);

}  // namespace mneme
