// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "inference/families/family.h"

namespace mneme {
namespace {

constexpr std::array kFamilies = {
    &kGemma, &kGemma3, &kLlama, &kQwen2, &kQwen3, &kQwen3Moe,
};

}  // namespace

std::span<const Family* const> all_families() {
  return kFamilies;
}

const Family* find_family(std::string_view architecture) {
  const auto found = std::ranges::find(kFamilies, architecture, &Family::name);
  return found == kFamilies.end() ? nullptr : *found;
}

std::string family_names() {
  std::string names;
  for (const Family* family : kFamilies) {
    if (!names.empty()) names += ", ";
    names += fmt::format("'{}'", family->name);
  }
  return names;
}

}  // namespace mneme
