// SPDX-License-Identifier: Apache-2.0
// How many bytes of a model have which type, to name it by the one that most of them have: "Q4_1".
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mneme {

class TypeBytes {
 public:
  void add(std::string_view type, std::uint64_t bytes) { bytes_[std::string(type)] += bytes; }

  // Of equals the first by name; "" where nothing was added.
  std::string most() const {
    const auto most =
        std::ranges::max_element(bytes_, {}, [](const auto& type) { return type.second; });
    return most == bytes_.end() ? std::string() : most->first;
  }

 private:
  std::map<std::string, std::uint64_t> bytes_;
};

}  // namespace mneme
