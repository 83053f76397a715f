// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/cached_rows_cases.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mneme {
namespace {

enum class Where : std::uint8_t {
  mixed,   // every case of an n-gram, and neighbours among the entries that are written
  cached,  // no row is transferred
  transferred,
};

std::string_view name_of(Where where) {
  return where == Where::mixed ? "mixed" : where == Where::cached ? "cached" : "transferred";
}

struct Ngrams {
  std::vector<RowLocation> locations;  // [tokens, orders]
  std::int32_t transferred = 0;
  std::int32_t entries = 3;  // the first three are only read
};

Ngrams ngrams_of(Where where, std::int64_t count) {
  Ngrams all;
  std::int32_t kept = -1;  // row that is kept in this step: others read it meanwhile
  for (std::int32_t i = 0; i < count; ++i) {
    const int way = where == Where::mixed ? i % 5 : where == Where::cached ? 0 : 4;
    if (way == 0) {
      all.locations.push_back({~(i % 3), -1});
    } else if (way == 1 || way == 2) {
      kept = all.transferred++;
      all.locations.push_back({kept, all.entries++});
    } else if (way == 3) {
      all.locations.push_back({kept, -1});
    } else {
      all.locations.push_back({all.transferred++, -1});
    }
  }
  return all;
}

Op decode_of(OpHarness& h, const Ngrams& ngrams, int orders, int heads, int dims) {
  Op op{OpKind::table_decode};
  op.params.columns = orders * heads;
  op.params.column_dims = dims;
  op.in = {h.input_ngrams(ngrams.transferred, heads, dims), h.input_index(ngrams.locations),
           h.cached_rows(ngrams.entries, heads, dims)};
  return op;
}

}  // namespace

void add_cached_rows(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens;
    int orders, heads, dims;
  };
  // 3 heads of 32 values and 5 of 96: entries that are no whole words.
  for (const Shape& s : {Shape{1, 2, 8, 64}, {9, 2, 3, 32}, {7, 3, 5, 96}, {40, 1, 8, 256}}) {
    for (const Where where : {Where::mixed, Where::cached, Where::transferred}) {
      cases.push_back({"table_decode_" + std::string(name_of(where)) + "_" +
                           std::to_string(s.tokens) + "x" + std::to_string(s.orders) + "x" +
                           std::to_string(s.heads) + "x" + std::to_string(s.dims),
                       s.tokens, 0, 0, [=](OpHarness& h) {
                         Op op = decode_of(h, ngrams_of(where, s.tokens * s.orders), s.orders,
                                           s.heads, s.dims);
                         op.out = h.output(std::int64_t{s.orders} * s.heads * s.dims);
                         return op;
                       }});
    }
  }
  for (const std::int64_t tokens : {1, 6, 40}) {  // and the product that reads them
    cases.push_back({"held_matmul_Q8_0_" + std::to_string(tokens), tokens, 0, 0, [=](OpHarness& h) {
                       Op decode = decode_of(h, ngrams_of(Where::mixed, tokens * 2), 2, 3, 32);
                       decode.out = h.activation(2 * 3 * 32);
                       Op product{OpKind::matmul};
                       product.in = {decode.out, h.constant(DType::q8_0, 24, 2 * 3 * 32)};
                       product.out = h.output(24);
                       return OpChain(decode, product);
                     }});
  }
}

}  // namespace mneme
