// SPDX-License-Identifier: Apache-2.0
// tests/data/table_rows.json: rows and their values, from other people's decoders.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace mneme {

class TableVectors {
 public:
  TableVectors();
  bool contains(const std::string& name) const { return entries_.contains(name); }
  std::vector<std::byte> row(const std::string& name) const;
  std::vector<float> values(const std::string& name) const;

 private:
  struct Entry {
    std::vector<std::byte> row;
    std::vector<std::byte> values;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace mneme
