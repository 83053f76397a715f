// SPDX-License-Identifier: Apache-2.0
// Reads the hyperparameters of a model for its family's file. The first thing that is wrong is kept
// as the status, and everything after it reads as a number that does no harm, so that a family's
// file is a list of what it reads. Every key under the architecture's prefix that nobody read must
// change nothing: else answers would be wrong without a word.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/model_source.h"
#include "inference/model/model_config.h"

namespace mneme {

class ConfigReader {
 public:
  explicit ConfigReader(const ModelSource& source);

  const Status& status() const { return status_; }
  void fail(Error error);  // unless something failed before

  // Keys are without the architecture: "attention.head_count". Required: 1 to max.
  std::int64_t count(std::string_view key, std::int64_t max = INT32_MAX);
  std::int64_t width(std::string_view key);  // no more than any real model has
  // The same, where a file may give it for each layer: here all must be alike.
  std::int64_t width_of_layers(std::string_view key, std::int64_t layers);
  std::int64_t integer_or(std::string_view key, std::int64_t fallback);
  float positive(std::string_view key, float end);  // required: above 0 and below `end`
  float positive_or(std::string_view key, float fallback);
  float number_or(std::string_view key, float fallback);
  std::string text_or(std::string_view key, std::string_view fallback);

  // --- what many families read alike -------------------------------------------------------------
  // Of all layers: routed by a soft-max over all experts. `normalise`: where the file does not say.
  void experts(ModelConfig& c, bool normalise);
  // Sizes, rope and layers of a decoder whose layers are all alike, without what a family adds to
  // them.
  void dense(ModelConfig& c, bool pairs_in_halves);
  // block_count, with c.draft_layers among them.
  std::int64_t layers(ModelConfig& c);
  AttentionSpec attention(std::int64_t dim, std::int64_t layers);
  // With the scaling that the file asks for: linear, YaRN, or factors that are a tensor.
  RopeSpec rope(std::int64_t head_dim, bool halves);
  bool is_hub_folder() const { return source_.is_hub_folder(); }
  std::int64_t window(std::int64_t context);  // 0 = none that any position would leave
  bool pairs_in_halves() const { return source_.pairs_in_halves(); }
  // Which layers see a window only, where the file says so; else all but each `period`th.
  std::vector<bool> windowed_layers(std::int64_t layers, std::int64_t period);

  // Errors: unsupported (a key that was not read and changes the computation, or is not known).
  Status check_unread(const ModelConfig& config) const;

 private:
  bool has(std::string_view key);
  std::string key_of(std::string_view key);             // with the prefix; read from now on
  std::string_view shown(std::string_view name) const;  // as the file calls it
  template <class T>
  T value_or(std::string_view key, T fallback);
  void scale_linearly(float scale, RopeSpec& rope) const;
  void scale_by_yarn(float scale, RopeSpec& rope);
  std::vector<float> stored_factors(std::int64_t count);

  const ModelSource& source_;
  std::string prefix_;  // "llama."
  std::set<std::string, std::less<>> read_;
  Status status_;
};

}  // namespace mneme
