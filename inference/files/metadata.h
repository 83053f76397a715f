// SPDX-License-Identifier: Apache-2.0
// What a model's files say of it: keys with typed values, under the names that GGUF gives them,
// whatever the files call them. Values lie where the reader of the file found them or in memory
// that every copy shares; each is checked when it is asked for. Immutable once it is read: callable
// from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mneme {

// The numbers are those of GGUF.
enum class MetadataType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};
std::string_view metadata_type_name(MetadataType type);
// Bytes of one value; 0 for string and array, whose size the file tells.
std::uint64_t metadata_scalar_bytes(MetadataType type);

// `payload` is the value alone: the characters of a string, the elements of an array (each string
// of an array still behind its 8-byte length).
struct MetadataEntry {
  std::string_view key;
  MetadataType type = MetadataType::u8;  // array: see element_type and count
  MetadataType element_type = MetadataType::u8;
  std::uint64_t count = 1;  // elements of an array, else 1
  std::span<const std::byte> payload;
};

class Metadata {
 public:
  // `name`: of the file, for messages.
  explicit Metadata(std::string name = "") : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  const std::vector<MetadataEntry>& entries() const { return entries_; }  // in file order
  const MetadataEntry* find_entry(std::string_view key) const;            // null when missing
  // What the file itself calls a key, for messages: "hidden_size" for "llama.embedding_length".
  std::string_view name_in_file(std::string_view key) const;

  // T: bool, int32_t, uint32_t, int64_t, uint64_t, float, double, string_view. Any stored integer
  // that fits T is taken, float and double stand for each other; everything else is an error
  // `corrupt` that names key and types. find: empty when missing; require: missing is an error too.
  template <class T>
  Result<std::optional<T>> find(std::string_view key) const;
  template <class T>
  Result<T> require(std::string_view key) const;

  // Arrays, converted element by element by the same rules. Strings stay views of the payload.
  template <class T>
  Result<std::optional<std::vector<T>>> find_array(std::string_view key) const;
  template <class T>
  Result<std::vector<T>> require_array(std::string_view key) const;

  // --- for readers of files ----------------------------------------------------------------------
  // The entry's views outlive this and its copies.
  void add(const MetadataEntry& entry) { entries_.push_back(entry); }
  // Once all entries are added, before any is asked for. Returns a key that occurs twice.
  std::optional<std::string_view> sort();
  // Memory of this and its copies, for what an entry views.
  std::string_view keep(std::string bytes);
  void set_name_in_file(std::string_view key, std::string_view name);

 private:
  template <class T>
  Error mismatch(const MetadataEntry& entry) const;

  std::string name_;
  std::vector<MetadataEntry> entries_;
  std::vector<std::uint32_t> order_;  // indices into entries_, by key
  std::vector<std::shared_ptr<const std::string>> kept_;
  std::map<std::string, std::string, std::less<>> names_in_file_;
};

}  // namespace mneme
