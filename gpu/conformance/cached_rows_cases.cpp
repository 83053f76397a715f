// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/cached_rows_cases.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mneme {
namespace {

// Where the rows of a case's n-grams come from.
enum class RowSource : std::uint8_t {
  cached,       // all from entries of the cache: none is transferred
  transferred,  // all from the step's transferred rows: none is read from or written to the cache
  mixed,        // both, and some transferred rows are written to entries, which lie side by side
};

std::string_view name_of(RowSource source) {
  return source == RowSource::mixed    ? "mixed"
         : source == RowSource::cached ? "cached"
                                       : "transferred";
}

constexpr std::int32_t kReadEntries = 3;  // entries 0..2 are read only; the next ones written only

struct Ngrams {
  std::vector<RowLocation> locations;   // [tokens, orders]
  std::int32_t transferred = 0;         // n-grams whose rows the step brings
  std::int32_t entries = kReadEntries;  // of the cache
};

// `count`: tokens * orders.
Ngrams ngrams_of(RowSource source, std::int64_t count) {
  Ngrams ngrams;
  std::int32_t written = -1;  // the transferred n-gram that was last written to an entry
  for (std::int32_t i = 0; i < count; ++i) {
    const int kind = source == RowSource::mixed ? i % 5 : source == RowSource::cached ? 0 : 4;
    if (kind == 0) {  // cached
      ngrams.locations.push_back({~(i % kReadEntries), -1});
    } else if (kind == 1 || kind == 2) {  // transferred, and written to the next entry
      written = ngrams.transferred++;
      ngrams.locations.push_back({written, ngrams.entries++});
    } else if (kind == 3) {  // the n-gram before once more, while its entry is written
      ngrams.locations.push_back({written, -1});
    } else {  // transferred, and not cached
      ngrams.locations.push_back({ngrams.transferred++, -1});
    }
  }
  return ngrams;
}

Op decode_of(OpHarness& h, const Ngrams& ngrams, int orders, int heads, int dims) {
  Op op{OpKind::table_decode};
  op.params.table_decode.columns = orders * heads;
  op.params.table_decode.column_dims = dims;
  op.in = {h.input_ngrams(ngrams.transferred, heads, dims), h.input_index(ngrams.locations),
           h.cached_rows(ngrams.entries, heads, dims)};
  return op;
}

}  // namespace

void add_cached_rows_cases(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens;
    int orders, heads, dims;
  };
  // 3 heads of 32 values (99 bytes) and 5 of 96 (495): n-grams that do not end at a 4-byte word.
  for (const Shape& s : {Shape{1, 2, 8, 64}, {9, 2, 3, 32}, {7, 3, 5, 96}, {40, 1, 8, 256}}) {
    for (const RowSource source : {RowSource::mixed, RowSource::cached, RowSource::transferred}) {
      cases.push_back({"table_decode_" + std::string(name_of(source)) + "_" +
                           std::to_string(s.tokens) + "x" + std::to_string(s.orders) + "x" +
                           std::to_string(s.heads) + "x" + std::to_string(s.dims),
                       s.tokens, 0, 0, [=](OpHarness& h) {
                         Op op = decode_of(h, ngrams_of(source, s.tokens * s.orders), s.orders,
                                           s.heads, s.dims);
                         op.out = h.output(std::int64_t{s.orders} * s.heads * s.dims);
                         return op;
                       }});
    }
  }
  // With the matrix product that reads the values: a backend may make both in one launch.
  for (const std::int64_t tokens : {1, 6, 40}) {
    cases.push_back(
        {"cached_rows_matmul_Q8_0_" + std::to_string(tokens), tokens, 0, 0, [=](OpHarness& h) {
           Op decode = decode_of(h, ngrams_of(RowSource::mixed, tokens * 2), 2, 3, 32);
           decode.out = h.activation(2 * 3 * 32);
           Op product{OpKind::matmul};
           product.in = {decode.out, h.constant(DType::q8_0, 24, 2 * 3 * 32)};
           product.out = h.output(24);
           return OpChain(decode, product);
         }});
  }
}

}  // namespace mneme
