// SPDX-License-Identifier: Apache-2.0
#include "vectors_file.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/test_paths.h"

namespace mneme {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void flatten(const Json& value, const auto& add) {
  if (value.is_array()) {
    for (const Json& part : value) flatten(part, add);
  } else {
    add(value);
  }
}

const Json* find_layout(const Json& file, const std::string& name) {
  if (!file.contains("layouts")) return nullptr;
  for (const Json& layout : file.at("layouts")) {
    if (layout.at("name") == name) return &layout;
  }
  return nullptr;
}

}  // namespace

const Json& own_vectors() {
  static const Json file = Json::parse(read_test_file("vectors.json"));
  return file;
}

const Json& vectors() {
  static const Json file = [] {
    const char* path = std::getenv("MNEME_VECTORS");
    return path != nullptr && *path != '\0' ? Json::parse(read_file(path)) : own_vectors();
  }();
  return file;
}

std::string read_test_file(const std::string& name) {
  return read_file(test_data(name));
}

std::vector<ClassId> token_map_v41() {
  const std::string bytes = read_test_file("token_map_v41.i32le");
  std::vector<ClassId> map(bytes.size() / sizeof(ClassId));
  std::memcpy(map.data(), bytes.data(), map.size() * sizeof(ClassId));
  return map;
}

const Json& layout_named(const std::string& name) {
  for (const Json* file : {&vectors(), &own_vectors()}) {
    if (const Json* layout = find_layout(*file, name)) return *layout;
  }
  throw std::runtime_error("no layout named " + name);
}

std::vector<float> floats(const Json& lists) {
  std::vector<float> out;
  flatten(lists, [&](const Json& v) { out.push_back(v.get<float>()); });
  return out;
}

std::vector<std::uint64_t> integers(const Json& lists) {
  std::vector<std::uint64_t> out;
  flatten(lists, [&](const Json& v) {
    out.push_back(v.is_string() ? std::stoull(v.get<std::string>()) : v.get<std::uint64_t>());
  });
  return out;
}

HashSpec identity_spec(ClassId class_count, ClassId pad, ContextRule context) {
  HashSpec spec;
  spec.context = context;
  spec.pad_class = pad;
  spec.token_map.resize(static_cast<std::size_t>(class_count));
  for (ClassId c = 0; c < class_count; ++c) spec.token_map[static_cast<std::size_t>(c)] = c;
  return spec;
}

LayerHash layer_from(const Json& multipliers, const Json& primes, std::int32_t layer_id) {
  LayerHash layer;
  layer.layer_id = layer_id;
  layer.multipliers = integers(multipliers);
  layer.primes = integers(primes);
  for (const std::uint64_t prime : layer.primes) {
    layer.offsets.push_back(layer.rows);
    layer.rows += prime;
  }
  return layer;
}

std::vector<RowId> rows_over(const NgramHasher& hasher, std::size_t layer_slot,
                             const std::vector<TokenId>& tokens) {
  const HashSpec& spec = hasher.spec();
  const auto heads = static_cast<std::size_t>(spec.head_count);
  const auto columns = static_cast<std::size_t>(spec.columns());
  std::vector<RowId> rows(tokens.size() * columns);
  std::vector<NgramKey> keys(static_cast<std::size_t>(spec.orders()));
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    hasher.keys_at(tokens, t, keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      hasher.rows(layer_slot, keys[i], std::span(rows).subspan(t * columns + i * heads, heads));
    }
  }
  return rows;
}

void expect_close(const std::vector<double>& got, const Json& expected) {
  std::vector<double> wanted;
  flatten(expected, [&](const Json& v) { wanted.push_back(v.get<double>()); });
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_LE(std::abs(got[i] - wanted[i]), 1e-5 * std::max(1.0, std::abs(wanted[i])))
        << "at " << i << ": " << got[i] << " for " << wanted[i];
  }
}

}  // namespace mneme
