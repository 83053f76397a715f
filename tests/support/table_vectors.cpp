// SPDX-License-Identifier: Apache-2.0
#include "tests/support/table_vectors.h"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/test_paths.h"

namespace mneme {
namespace {

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

TableVectors::TableVectors() {
  std::ifstream in(test_data("table_rows.json"));
  const nlohmann::json json = nlohmann::json::parse(in);
  for (const auto& [name, entry] : json.items()) {
    entries_[name] = {from_hex(entry.value("row", "")), from_hex(entry.at("values"))};
  }
}

std::vector<std::byte> TableVectors::row(const std::string& name) const {
  return entries_.at(name).row;
}

std::vector<float> TableVectors::values(const std::string& name) const {
  const auto& bytes = entries_.at(name).values;
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace mneme
