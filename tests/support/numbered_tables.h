// SPDX-License-Identifier: Apache-2.0
// A file with two tables whose every byte follows from (layer, row, place), and the hasher that
// addresses them. Nothing in it is aligned to anything, and the file ends with its last row.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engram/ngram_hasher.h"
#include "engram/table_source.h"

namespace mneme {

inline std::byte numbered_byte(std::size_t layer, std::uint64_t row, std::uint32_t place) {
  const std::uint64_t mixed = (row * 131 + place * 7 + layer * 59 + 1) * 0x9e3779b97f4a7c15ull;
  return static_cast<std::byte>(mixed >> 56);
}

class NumberedTables {
 public:
  explicit NumberedTables(std::uint32_t row_bytes, std::string folder = ".",
                          std::uint64_t column_rows = 700)
      : NumberedTables(row_bytes,
                       folder + "/numbered_" + std::to_string(::getpid()) + "_" +
                           std::to_string(next_number()++) + ".bin",
                       column_rows, false) {}

  // In a file that several programs use, one after the other: the first one writes it, and it
  // stays.
  static std::unique_ptr<NumberedTables> in_shared_file(const std::string& path,
                                                        std::uint32_t row_bytes) {
    return std::unique_ptr<NumberedTables>(new NumberedTables(row_bytes, path, 700, true));
  }
  ~NumberedTables() {
    if (!shared_) std::remove(path_.c_str());
  }
  NumberedTables(const NumberedTables&) = delete;
  NumberedTables& operator=(const NumberedTables&) = delete;

  const NgramHasher& hasher() const { return *hasher_; }
  const std::vector<TableSource>& tables() const { return tables_; }
  const std::string& path() const { return path_; }

  // What TableStore::wait must copy out.
  std::vector<std::byte> expected(const std::vector<NgramKey>& keys, std::size_t layer) const {
    std::vector<std::byte> bytes;
    std::vector<RowId> rows(4);
    for (const NgramKey& key : keys) {
      hasher_->rows(layer, key, rows);
      for (const RowId row : rows) {
        for (std::uint32_t i = 0; i < tables_[layer].row_bytes; ++i) {
          bytes.push_back(numbered_byte(layer, row, i));
        }
      }
    }
    return bytes;
  }

  static NgramKey key(ClassId a, ClassId b) { return {2, {a, b}}; }
  static NgramKey key(ClassId a, ClassId b, ClassId c) { return {3, {a, b, c}}; }

  // Drawn from about `variety` different n-grams.
  static std::vector<NgramKey> random_keys(std::mt19937_64& random, std::size_t count,
                                           ClassId variety) {
    std::vector<NgramKey> keys;
    for (std::size_t i = 0; i < count; ++i) {
      const auto n = static_cast<ClassId>(random() % static_cast<unsigned>(variety));
      const ClassId a = n % kClasses;
      const ClassId b = n / kClasses % kClasses;
      keys.push_back(n % 2 == 0 ? key(a, b) : key(a, b, 7));
    }
    return keys;
  }

 private:
  NumberedTables(std::uint32_t row_bytes, std::string path, std::uint64_t column_rows, bool shared)
      : path_(std::move(path)), shared_(shared) {
    HashSpec spec;
    spec.max_ngram_size = 3;
    spec.head_count = 4;
    for (ClassId i = 0; i < kClasses; ++i) spec.token_map.push_back(i);
    std::string bytes(77, 'x');
    for (const std::int32_t id : {1, 14}) {
      LayerHash layer;
      layer.layer_id = id;
      for (std::uint64_t k = 0; k < 3; ++k) {
        layer.multipliers.push_back(1000003 + 2 * k + 10ull * static_cast<unsigned>(id));
      }
      for (std::uint64_t c = 0; c < 8; ++c) {
        // The last column is short, so that the last row of the file is asked for often.
        layer.primes.push_back(c == 7 ? 5 : column_rows + 6 * c + 1);
        layer.offsets.push_back(layer.rows);
        layer.rows += layer.primes.back();
      }
      const std::size_t slot = tables_.size();
      tables_.push_back(plain_table(path_, bytes.size(), layer.rows, row_bytes));
      for (std::uint64_t row = 0; row < layer.rows; ++row) {
        for (std::uint32_t i = 0; i < row_bytes; ++i) {
          bytes.push_back(static_cast<char>(numbered_byte(slot, row, i)));
        }
      }
      if (slot == 0) bytes.append(13, 'y');
      spec.layers.push_back(std::move(layer));
    }
    if (!shared_ || !std::filesystem::exists(path_)) {
      std::ofstream(path_, std::ios::binary) << bytes;
    }
    hasher_ = std::make_unique<NgramHasher>(NgramHasher::create(std::move(spec)).value());
  }

  static constexpr ClassId kClasses = 1000;
  static int& next_number() {
    static int number = 0;
    return number;
  }

  const std::string path_;
  const bool shared_;
  std::vector<TableSource> tables_;
  std::unique_ptr<NgramHasher> hasher_;
};

}  // namespace mneme
