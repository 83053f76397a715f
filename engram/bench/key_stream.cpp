// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/key_stream.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engram/derive_hash.h"

namespace mneme {
namespace {

// n-gram -> its number; open addressing, because millions of nodes would cost more than the rest.
class Numbers {
 public:
  std::uint32_t of(const NgramKey& key, std::vector<NgramKey>& keys) {
    if (keys.size() * 2 >= places_.size()) grow(keys);
    std::uint32_t& place = find(key, keys);
    if (place == 0) {
      keys.push_back(key);
      place = static_cast<std::uint32_t>(keys.size());
    }
    return place - 1;
  }

 private:
  std::uint32_t& find(const NgramKey& key, const std::vector<NgramKey>& keys) {
    std::size_t at = NgramKeyHash{}(key) & (places_.size() - 1);
    while (places_[at] != 0 && keys[places_[at] - 1] != key) at = (at + 1) & (places_.size() - 1);
    return places_[at];
  }
  void grow(const std::vector<NgramKey>& keys) {
    places_.assign(std::max<std::size_t>(1024, places_.size() * 2), 0);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      find(keys[i], keys) = static_cast<std::uint32_t>(i + 1);
    }
  }
  std::vector<std::uint32_t> places_;  // number + 1; 0 = free
};

}  // namespace

KeyStream make_key_stream(std::string name, const NgramHasher& hasher,
                          std::span<const std::vector<TokenId>> documents) {
  KeyStream stream;
  stream.name = std::move(name);
  const auto orders = static_cast<std::size_t>(hasher.spec().orders());
  for (const auto& document : documents) stream.tokens += document.size();
  stream.accesses.reserve(stream.tokens * orders);
  Numbers numbers;
  std::vector<NgramKey> keys(orders);
  for (const auto& document : documents) {
    for (std::size_t at = 0; at < document.size(); ++at) {
      hasher.keys_at(document, at, keys);
      for (const NgramKey& key : keys) stream.accesses.push_back(numbers.of(key, stream.keys));
    }
  }
  return stream;
}

Result<NgramHasher> make_v41_hasher(std::vector<ClassId> token_map, ClassId pad_class,
                                    std::uint64_t bucket_rows) {
  HashConfig config;
  config.class_count = *std::ranges::max_element(token_map) + 1;
  config.layer_ids = {1, 14};
  config.bases.assign(3, bucket_rows);
  config.head_count = 8;
  auto layers = derive_hash(config);
  if (!layers) return layers.error();
  HashSpec spec;
  spec.max_ngram_size = 4;
  spec.head_count = config.head_count;
  spec.token_map = std::move(token_map);
  spec.pad_class = pad_class;
  spec.context = ContextRule::sticky;
  spec.layers = std::move(*layers);
  return NgramHasher::create(std::move(spec));
}

Result<NgramHasher> make_scratch_hasher(std::uint64_t bytes) {
  constexpr std::uint64_t kBuckets = 3 * 8 * 2;
  constexpr ClassId kClasses = 100'000;  // as many as V4.1 has
  // Primes are found at or above where the search starts; a little less leaves room for them.
  const std::uint64_t rows = bytes / kV41RowBytes / kBuckets;
  if (rows < 100'000) {
    return Error{ErrorCode::invalid, "a test table of less than 1.3 GB says nothing about a drive"};
  }
  std::vector<ClassId> map(kClasses);
  std::iota(map.begin(), map.end(), 0);
  return make_v41_hasher(std::move(map), 0, rows - rows / 100);
}

}  // namespace mneme
