// SPDX-License-Identifier: Apache-2.0
// The file of shared vectors: the one that MNEME_VECTORS names, else tests/data/vectors.json.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engram/hash_spec.h"
#include "engram/ngram_hasher.h"

namespace mneme {

using Json = nlohmann::json;

// Throws (the test fails) where the file cannot be read: only a missing section is skipped.
const Json& vectors();

// A section of the file that travels with the tests, for what the named file refers to but lacks.
const Json& own_vectors();

std::string read_test_file(const std::string& name);

std::vector<ClassId> token_map_v41();  // the side file

// An entry of the section `layouts` by name; of our own file where the named one lacks it.
const Json& layout_named(const std::string& name);

// Nested lists of numbers, flattened.
std::vector<float> floats(const Json& lists);
std::vector<std::uint64_t> integers(const Json& lists);  // also integers written as strings

// Every class is its own token, up to `class_count`.
HashSpec identity_spec(ClassId class_count, ClassId pad, ContextRule context);

// A layer from the multipliers and primes ([order][head]) of a section; offsets summed here.
LayerHash layer_from(const Json& multipliers, const Json& primes, std::int32_t layer_id = 0);

// [T][C] row ids of one layer over a whole sequence.
std::vector<RowId> rows_over(const NgramHasher& hasher, std::size_t layer_slot,
                             const std::vector<TokenId>& tokens);

// |a - b| <= 1e-5 max(1, |b|) everywhere; names the first place where it is not.
void expect_close(const std::vector<double>& got, const Json& expected);

}  // namespace mneme

// Fetches a section into `name`, or reports the test as skipped.
#define SECTION_OR_SKIP(name, section)                                              \
  if (!::mneme::vectors().contains(section)) GTEST_SKIP() << "no section " section; \
  const ::mneme::Json& name = ::mneme::vectors().at(section)
