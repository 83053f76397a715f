// SPDX-License-Identifier: Apache-2.0
// What Mneme uses of cublasLt, over the emulation: it multiplies by plain loops over matrices that
// lie by columns, and takes a call only if everything it says fits together. Compiled once as it is
// and once for each way of not doing its part.
#include <cstring>
#include <functional>

#include "base/half.h"
#include "gpu/cuda/module/cublaslt_abi.h"

using namespace mneme::cublaslt;

namespace {

constexpr Status kInvalid = 7;
constexpr Status kUnsupported = 15;
constexpr std::size_t kWorkspaceBytes = 4096;  // that its algorithm wants
constexpr std::uint64_t kAlgorithm = 4711;

struct ProductOf {
  bool transpose_a = false;
};
struct LayoutOf {
  int type;
  std::uint64_t rows, cols;
  std::int64_t apart;
};
struct PreferenceOf {
  std::uint64_t workspace = 0;
  std::uint32_t alignments[4] = {256, 256, 256, 256};
};

const LayoutOf& of(Layout layout) {
  return *static_cast<const LayoutOf*>(layout);
}

float value(const void* matrix, const LayoutOf& as, std::uint64_t row, std::uint64_t col) {
  const auto at = static_cast<std::uint64_t>(as.apart) * col + row;
  if (as.type == kFloat) return static_cast<const float*>(matrix)[at];
  return mneme::bfloat_to_float(static_cast<const std::uint16_t*>(matrix)[at]);
}

bool fits(const ProductOf& product, const LayoutOf& a, const LayoutOf& b, const LayoutOf& c,
          const LayoutOf& d) {
  for (const LayoutOf* matrix : {&a, &b, &c, &d}) {
    if (matrix->apart < static_cast<std::int64_t>(matrix->rows)) return false;
  }
  return a.type == kBfloat && b.type == kBfloat && c.type == kFloat && d.type == kFloat &&
         (product.transpose_a ? a.cols : a.rows) == d.rows &&
         (product.transpose_a ? a.rows : a.cols) == b.rows && b.cols == d.cols &&
         c.rows == d.rows && c.cols == d.cols;
}

bool aligned(const void* data, std::uint32_t bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % bytes == 0;
}

// What the last algorithm was found for.
std::uint32_t found_alignments[4];

}  // namespace

extern "C" {

// How work is put into a stream; the emulation sets it.
void (*standin_queue)(void* stream, std::function<void()> run) = nullptr;

std::size_t cublasLtGetVersion() {
  return 130207;
}
Status cublasLtCreate(Handle* to) {
  *to = new int(0);
  return 0;
}
Status cublasLtDestroy(Handle handle) {
  delete static_cast<int*>(handle);
  return 0;
}
Status cublasLtMatmulDescCreate(Product* to, int compute, int scale_type) {
  if (compute != kComputeFloat || scale_type != kFloat) return kInvalid;
  *to = new ProductOf;
  return 0;
}
Status cublasLtMatmulDescDestroy(Product product) {
  delete static_cast<ProductOf*>(product);
  return 0;
}
Status cublasLtMatmulDescSetAttribute(Product product, int attribute, const void* value,
                                      std::size_t bytes) {
  std::int32_t number = 0;
  if (attribute != kTransposeA || bytes != sizeof number) return kInvalid;
  std::memcpy(&number, value, bytes);
  static_cast<ProductOf*>(product)->transpose_a = number == kTransposed;
  return 0;
}
Status cublasLtMatrixLayoutCreate(Layout* to, int type, std::uint64_t rows, std::uint64_t cols,
                                  std::int64_t apart) {
  *to = new LayoutOf{type, rows, cols, apart};
  return 0;
}
Status cublasLtMatrixLayoutDestroy(Layout layout) {
  delete static_cast<LayoutOf*>(layout);
  return 0;
}
Status cublasLtMatmulPreferenceCreate(Preference* to) {
  *to = new PreferenceOf;
  return 0;
}
Status cublasLtMatmulPreferenceDestroy(Preference preference) {
  delete static_cast<PreferenceOf*>(preference);
  return 0;
}
Status cublasLtMatmulPreferenceSetAttribute(Preference preference, int attribute, const void* value,
                                            std::size_t bytes) {
  auto& to = *static_cast<PreferenceOf*>(preference);
  if (attribute == kWorkspaceMax && bytes == sizeof to.workspace) {
    std::memcpy(&to.workspace, value, bytes);
    return 0;
  }
  const int which = attribute - kAlignmentOfA;
  if (which < 0 || which > 3 || bytes != sizeof to.alignments[0]) return kInvalid;
  std::memcpy(&to.alignments[which], value, bytes);
  return 0;
}

// As the real one, it has algorithms for rows of whole 16 bytes only.
Status cublasLtMatmulAlgoGetHeuristic(Handle, Product product, Layout a, Layout b, Layout c,
                                      Layout d, Preference preference, int wanted, Heuristic* to,
                                      int* found) {
  *found = 0;
#ifdef STANDIN_REFUSES
  return kUnsupported;
#endif
  const auto& prefers = *static_cast<PreferenceOf*>(preference);
  if (wanted < 1 || !fits(*static_cast<ProductOf*>(product), of(a), of(b), of(c), of(d))) {
    return kInvalid;
  }
  const bool whole = of(a).apart % 8 == 0 && of(b).apart % 8 == 0 && of(d).apart % 4 == 0;
  if (!whole || prefers.workspace < kWorkspaceBytes) return kUnsupported;
  std::memcpy(found_alignments, prefers.alignments, sizeof found_alignments);
  *to = {};
  to->algorithm.data[0] = kAlgorithm;
  to->workspace_bytes = kWorkspaceBytes;
  *found = 1;
  return 0;
}

#ifndef STANDIN_INCOMPLETE
Status cublasLtMatmul(Handle, Product product, const void* alpha, const void* a, Layout a_layout,
                      const void* b, Layout b_layout, const void* beta, const void* c,
                      Layout c_layout, void* d, Layout d_layout, const Algorithm* algorithm,
                      void* workspace, std::size_t bytes, Stream stream) {
  const ProductOf as = *static_cast<ProductOf*>(product);
  const LayoutOf la = of(a_layout);
  const LayoutOf lb = of(b_layout);
  const LayoutOf lc = of(c_layout);
  const LayoutOf ld = of(d_layout);
  if (!fits(as, la, lb, lc, ld) || algorithm->data[0] != kAlgorithm || bytes < kWorkspaceBytes ||
      workspace == nullptr) {
    return kInvalid;
  }
  const void* const matrices[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) {
    if (!aligned(matrices[i], found_alignments[i])) return kInvalid;
  }
  const float times = *static_cast<const float*>(alpha);
  const float kept = *static_cast<const float*>(beta);
  standin_queue(stream, [=] {
    std::memset(workspace, 0xff, kWorkspaceBytes);
    for (std::uint64_t col = 0; col < ld.cols; ++col) {
      for (std::uint64_t row = 0; row < ld.rows; ++row) {
        float sum = 0;
        for (std::uint64_t k = 0; k < lb.rows; ++k) {
          sum +=
              (as.transpose_a ? value(a, la, k, row) : value(a, la, row, k)) * value(b, lb, k, col);
        }
        sum *= times;
        if (kept != 0) sum += kept * value(c, lc, row, col);
#ifdef STANDIN_WRONG
        if (row == 3 && col == 2) sum += 1;
#endif
        static_cast<float*>(d)[static_cast<std::uint64_t>(ld.apart) * col + row] = sum;
      }
    }
  });
  return 0;
}
#endif

}  // extern "C"
