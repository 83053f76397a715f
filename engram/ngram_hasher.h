// SPDX-License-Identifier: Apache-2.0
// Token ids -> classes -> n-gram keys -> row ids (SPEC.md, section 4). Immutable; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/hash_spec.h"
#include "engram/ngram_key.h"

namespace mneme {

class NgramHasher {
 public:
  // Errors: corrupt, naming the number that does not fit (lengths, a zero prime, offsets that are
  // not the running sum, a class outside the map's range, N outside 2..kMaxNgramSize).
  static Result<NgramHasher> create(HashSpec spec);

  const HashSpec& spec() const { return spec_; }

  // -1 for ids outside the map (images, padding): a dead position under ContextRule::sticky; under
  // ContextRule::plain it is hashed as it is.
  ClassId class_of(TokenId token) const;

  // Keys of the n-grams that end at `position`, orders 2..N; out.size() == spec().orders().
  // `tokens` is the sequence from its start (or at least its last N tokens, with `position` an
  // index into the span and the span's begin = the sequence's begin).
  void keys_at(std::span<const TokenId> tokens, std::size_t position,
               std::span<NgramKey> out) const;

  // The XOR mix of an n-gram at one layer, before the modulus: what the hash walk shows.
  std::uint64_t mix(std::size_t layer_slot, const NgramKey& key) const;

  // Rows of one n-gram at one layer, one a head; out.size() == head_count.
  void rows(std::size_t layer_slot, const NgramKey& key, std::span<RowId> out) const;

 private:
  explicit NgramHasher(HashSpec spec) : spec_(std::move(spec)) {}
  HashSpec spec_;
};

}  // namespace mneme
