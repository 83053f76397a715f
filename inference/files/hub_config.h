// SPDX-License-Identifier: Apache-2.0
// Translates the config.json of a folder from the Hugging Face hub into metadata under GGUF's keys.
// Every setting in it is translated, or is on a list of what changes nothing, or is an error with
// its name: else answers would be wrong without a word.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/families/family.h"
#include "inference/files/metadata.h"

namespace mneme {

// The settings are asked for by their names, those of an object in another as "outer.inner"; null
// stands for a setting that is not there. The first thing that is wrong is kept as the status.
class HubConfig {
 public:
  // `name`: of the model, which stands in messages. Errors (as status): corrupt, unsupported (a
  // kind of model that no family knows).
  HubConfig(std::string_view text, std::string name);
  ~HubConfig();
  HubConfig(const HubConfig&) = delete;
  HubConfig& operator=(const HubConfig&) = delete;

  const Status& status() const { return problem_; }
  const Family& family() const { return *family_; }
  const std::string& name() const { return name_; }

  bool has(std::string_view setting) const;  // and is not null
  std::optional<std::int64_t> integer(std::string_view setting);
  std::optional<double> number(std::string_view setting);
  std::optional<bool> flag(std::string_view setting);
  std::optional<std::string> text(std::string_view setting);
  std::optional<std::vector<std::string>> texts(std::string_view setting);
  std::vector<std::int64_t> integers(std::string_view setting);  // or the one that it is
  // It changes the computation, and is not computed with.
  void refuse(std::string_view setting);
  void fail(Error error);  // unless something failed before

  // Metadata. `key` without the architecture: "rope.freq_base"; `setting`: for messages.
  void put(std::string_view key, std::int64_t value, std::string_view setting);
  void put(std::string_view key, double value, std::string_view setting);
  void put(std::string_view key, std::string_view value, std::string_view setting);
  void put_flags(std::string_view key, const std::vector<bool>& values, std::string_view setting);

  // RoPE as the settings below `prefix` say: that of most families, or what a family has for one
  // kind of its layers ("rope_parameters.full_attention.").
  void translate_rope(std::string_view prefix);
  std::string_view rope_prefix() const;  // "rope_parameters.", or "rope_scaling." in older files

  // All of it. Errors: the status; unsupported (a setting that nobody read).
  Result<Metadata> translate();
  // What each frequency is divided by, which a GGUF has as a tensor; empty = 1.
  const std::vector<float>& rope_factors() const { return rope_factors_; }

 private:
  struct Values;  // the JSON
  void add(std::string_view key, MetadataType type, MetadataType element, std::uint64_t count,
           std::string payload, std::string_view setting);
  void wrong(std::string_view setting, std::string_view wanted);
  void translate_names();
  void compute_llama3_factors(std::string_view prefix, double base);
  Status check_unread() const;

  std::unique_ptr<Values> values_;
  std::string name_;
  const Family* family_ = nullptr;
  Metadata metadata_;
  std::set<std::string, std::less<>> read_;
  std::vector<float> rope_factors_;
  Status problem_;
};

}  // namespace mneme
