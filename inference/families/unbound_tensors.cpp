// SPDX-License-Identifier: Apache-2.0
#include "inference/families/unbound_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/printable.h"

namespace mneme {
namespace {

constexpr std::string_view kReadWithConfig = "rope_freqs.weight";  // RopeSpec::factors

struct LeftOut {
  std::string_view part;
  std::string_view prefix;  // of the tensor's name
  std::string_view within;  // of the rest; "" = anything
};
constexpr std::array kLeftOut = std::to_array<LeftOut>({
    {"a vision tower", "v.", ""},
    {"an audio tower", "a.", ""},
    {"a projector of images or sound", "mm.", ""},
    {"a draft head", "mtp.", ""},
    {"a draft head", "nextn.", ""},
    {"rotary tables, which are computed", "blk.", ".attn_rot_embd."},
    {"an importance matrix", "", ".in_sum2"},
    {"an importance matrix", "", ".counts"},
});

// Of the draft layers, which lie behind the others.
bool is_draft(std::string_view tensor, const ModelConfig& c) {
  for (std::int64_t i = c.n_layers(); i < c.n_layers() + c.draft_layers; ++i) {
    if (tensor.starts_with(fmt::format("blk.{}.", i))) return true;
  }
  return false;
}

std::optional<std::string_view> left_out_part(std::string_view tensor, const ModelConfig& config) {
  if (is_draft(tensor, config)) return "a draft head";
  for (const LeftOut& rule : kLeftOut) {
    if (!tensor.starts_with(rule.prefix)) continue;
    if (tensor.substr(rule.prefix.size()).find(rule.within) != std::string_view::npos) {
      return rule.part;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> check_unbound_tensors(const ModelSource& source, const ModelConfig& config,
                                          const TensorNames& bound) {
  std::map<std::string_view, std::int64_t> left_out;  // tensors of each part
  for (const SourceTensor& tensor : source.tensors()) {
    if (bound.contains(tensor.name) || tensor.name == kReadWithConfig) continue;
    const auto part = left_out_part(tensor.name, config);
    if (!part) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{} has the tensor {}, which Mneme does not compute with: its "
                               "answers would be wrong",
                               source.name(), printable(tensor.name_in_file))};
    }
    ++left_out[*part];
  }
  std::vector<std::string> words;
  for (const auto& [part, count] : left_out) {
    words.push_back(fmt::format("{} tensor{} of {}", count, count == 1 ? "" : "s", part));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace mneme
