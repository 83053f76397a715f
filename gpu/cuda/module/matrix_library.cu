// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <new>

#include "gpu/cuda/module/cublaslt_abi.h"
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/matrix_library.h"

namespace mneme {
namespace {

constexpr int kOutOfMemory = 2;     // cudaErrorMemoryAllocation
constexpr int kNotSupported = 801;  // cudaErrorNotSupported

struct Functions {
  cublaslt::Create* create = nullptr;
  cublaslt::Destroy* destroy = nullptr;
  cublaslt::GetVersion* version = nullptr;
  cublaslt::ProductCreate* product_create = nullptr;
  cublaslt::ProductDestroy* product_destroy = nullptr;
  cublaslt::ProductSet* product_set = nullptr;
  cublaslt::LayoutCreate* layout_create = nullptr;
  cublaslt::LayoutDestroy* layout_destroy = nullptr;
  cublaslt::PreferenceCreate* preference_create = nullptr;
  cublaslt::PreferenceDestroy* preference_destroy = nullptr;
  cublaslt::PreferenceSet* preference_set = nullptr;
  cublaslt::FindAlgorithm* find_algorithm = nullptr;
  cublaslt::Multiply* multiply = nullptr;
};

template <class F>
bool resolve(void* file, const char* name, F*& to, const char*& missing) {
  to = reinterpret_cast<F*>(dlsym(file, name));
  if (to == nullptr) missing = name;
  return to != nullptr;
}

// The first symbol that is not there, or null.
const char* resolve_all(void* file, Functions& f) {
  const char* missing = nullptr;
  [[maybe_unused]] const bool all =
      resolve(file, "cublasLtCreate", f.create, missing) &&
      resolve(file, "cublasLtDestroy", f.destroy, missing) &&
      resolve(file, "cublasLtGetVersion", f.version, missing) &&
      resolve(file, "cublasLtMatmulDescCreate", f.product_create, missing) &&
      resolve(file, "cublasLtMatmulDescDestroy", f.product_destroy, missing) &&
      resolve(file, "cublasLtMatmulDescSetAttribute", f.product_set, missing) &&
      resolve(file, "cublasLtMatrixLayoutCreate", f.layout_create, missing) &&
      resolve(file, "cublasLtMatrixLayoutDestroy", f.layout_destroy, missing) &&
      resolve(file, "cublasLtMatmulPreferenceCreate", f.preference_create, missing) &&
      resolve(file, "cublasLtMatmulPreferenceDestroy", f.preference_destroy, missing) &&
      resolve(file, "cublasLtMatmulPreferenceSetAttribute", f.preference_set, missing) &&
      resolve(file, "cublasLtMatmulAlgoGetHeuristic", f.find_algorithm, missing) &&
      resolve(file, "cublasLtMatmul", f.multiply, missing);
  return missing;
}

// The library is never closed: it registers things that live as long as the program.
int load(const char* const* files, Functions& functions, char* says, std::size_t size) {
  std::snprintf(says, size, "there is no cuBLASLt");
  for (; *files != nullptr; ++files) {
    void* file = dlopen(*files, RTLD_NOW | RTLD_LOCAL);
    if (file == nullptr) continue;
    if (const char* missing = resolve_all(file, functions)) {
      std::snprintf(says, size, "%s has no %s", *files, missing);
      continue;
    }
    const auto version = static_cast<unsigned>(functions.version());
    std::snprintf(says, size, "cuBLASLt %u.%u.%u", version / 10000, version / 100 % 100,
                  version % 100);
    return 0;
  }
  return kNotSupported;
}

std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

}  // namespace

struct CudaLibrary {
  Functions functions;
  cublaslt::Handle handle = nullptr;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

namespace {

// One product of a call as the library is told of it. A row of ours is a column of its matrices:
// out^T [outputs, tokens] = weight [outputs, inputs] * x^T [inputs, tokens] (+ what is added).
class Problem {
 public:
  Problem(const CudaCall& call, const CudaTensor& weight, const CudaTensor& out)
      : library_(*call.library), f_(call.library->functions) {
    a_ = weight.data;
    b_ = call.in[0].data;
    d_ = out.data;
    c_ = call.in[4].data != nullptr ? call.in[4].data : out.data;
    beta_ = call.in[4].data != nullptr ? 1.0f : 0.0f;
    const auto inputs = static_cast<std::uint64_t>(weight.cols);
    const auto outputs = static_cast<std::uint64_t>(weight.rows);
    const auto tokens = static_cast<std::uint64_t>(call.rows_max);
    const std::int64_t c_stride = call.in[4].data != nullptr ? call.in[4].stride : out.stride;
    keep(f_.product_create(&product_, cublaslt::kComputeFloat, cublaslt::kFloat));
    if (status_ == 0) {
      keep(f_.product_set(product_, cublaslt::kTransposeA, &cublaslt::kTransposed,
                          sizeof cublaslt::kTransposed));
    }
    layout(layouts_[0], cublaslt::kBfloat, inputs, outputs, weight.stride / 2);
    layout(layouts_[1], cublaslt::kBfloat, inputs, tokens, call.in[0].stride / 2);
    layout(layouts_[2], cublaslt::kFloat, outputs, tokens, c_stride / 4);
    layout(layouts_[3], cublaslt::kFloat, outputs, tokens, out.stride / 4);
  }
  ~Problem() {
    for (const cublaslt::Layout layout : layouts_) {
      if (layout != nullptr) f_.layout_destroy(layout);
    }
    if (product_ != nullptr) f_.product_destroy(product_);
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  // The best algorithm that gets by with the workspace.
  bool find() {
    cublaslt::Preference preference = nullptr;
    if (status_ == 0) keep(f_.preference_create(&preference));
    if (status_ != 0) return false;
    const std::uint64_t most = library_.workspace_bytes;
    keep(f_.preference_set(preference, cublaslt::kWorkspaceMax, &most, sizeof most));
    alignment(preference, cublaslt::kAlignmentOfA, a_);
    alignment(preference, cublaslt::kAlignmentOfB, b_);
    alignment(preference, cublaslt::kAlignmentOfC, c_);
    alignment(preference, cublaslt::kAlignmentOfD, d_);
    int found = 0;
    if (status_ == 0) {
      keep(f_.find_algorithm(library_.handle, product_, layouts_[0], layouts_[1], layouts_[2],
                             layouts_[3], preference, 1, &best_, &found));
    }
    f_.preference_destroy(preference);
    return status_ == 0 && found > 0 && best_.state == 0 &&
           best_.workspace_bytes <= library_.workspace_bytes;
  }

  bool start(cublaslt::Stream stream) {
    const float one = 1.0f;
    keep(f_.multiply(library_.handle, product_, &one, a_, layouts_[0], b_, layouts_[1], &beta_, c_,
                     layouts_[2], d_, layouts_[3], &best_.algorithm, library_.workspace,
                     library_.workspace_bytes, stream));
    return status_ == 0;
  }

 private:
  void keep(cublaslt::Status status) {
    if (status_ == 0) status_ = status;
  }
  void layout(cublaslt::Layout& to, int type, std::uint64_t rows, std::uint64_t cols,
              std::int64_t apart) {
    if (status_ == 0) keep(f_.layout_create(&to, type, rows, cols, apart));
  }
  void alignment(cublaslt::Preference preference, int attribute, const void* data) {
    const std::uint32_t bytes = alignment_of(data);
    keep(f_.preference_set(preference, attribute, &bytes, sizeof bytes));
  }

  const CudaLibrary& library_;
  const Functions& f_;
  cublaslt::Status status_ = 0;
  cublaslt::Product product_ = nullptr;
  cublaslt::Layout layouts_[4] = {};
  cublaslt::Heuristic best_{};
  const void* a_;
  const void* b_;
  const void* c_;
  void* d_;
  float beta_;
};

// Runs `one` on each product of a call until one says no.
template <class F>
int for_products(const CudaCall& call, F one) {
  const auto run = [&](const CudaTensor& weight, const CudaTensor& out) {
    Problem problem(call, weight, out);
    return one(problem);
  };
  if (!run(call.in[1], call.out)) return kNotSupported;
  for (int i = 0; i < call.more_count; ++i) {
    if (!run(call.more[i].weight, call.more[i].out)) return kNotSupported;
  }
  return 0;
}

}  // namespace

int find_matrix_library(const char* const* files, char* says, std::size_t size) {
  Functions functions;
  return load(files, functions, says, size);
}

int open_matrix_library(const char* const* files, void* workspace, std::size_t bytes,
                        CudaLibrary** to) {
  Functions functions;
  char says[256];
  if (const int error = load(files, functions, says, sizeof says)) return error;
  cublaslt::Handle handle = nullptr;
  if (functions.create(&handle) != 0) return kNotSupported;
  auto* library = new (std::nothrow) CudaLibrary{functions, handle, workspace, bytes};
  if (library == nullptr) {
    functions.destroy(handle);
    return kOutOfMemory;
  }
  *to = library;
  return 0;
}

void close_matrix_library(CudaLibrary* library) {
  library->functions.destroy(library->handle);
  delete library;
}

int matrix_library_takes(const CudaCall& call) {
  return for_products(call, [](Problem& problem) { return problem.find(); });
}

int launch_matrix_library(void* stream, const CudaCall& call) {
  return for_products(call,
                      [&](Problem& problem) { return problem.find() && problem.start(stream); });
}

}  // namespace mneme
