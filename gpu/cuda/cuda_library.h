// SPDX-License-Identifier: Apache-2.0
// NVIDIA's matrix products (cuBLASLt) on an opened device, where the machine has them: for prompts
// of models in BF16. Used only after they have multiplied a small product right.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gpu/cuda/cuda_device_context.h"

namespace mneme {

class CudaMatrixLibrary {
 public:
  // Null where it cannot be used; one line of the log says what was found, or why not.
  static std::unique_ptr<CudaMatrixLibrary> open(const std::shared_ptr<CudaDeviceContext>& device);
  ~CudaMatrixLibrary();
  CudaMatrixLibrary(const CudaMatrixLibrary&) = delete;
  CudaMatrixLibrary& operator=(const CudaMatrixLibrary&) = delete;

  // Makes of a gemm the library's, if it has an algorithm for each of its products.
  void take_over(CudaCall& call) const;

 private:
  explicit CudaMatrixLibrary(std::shared_ptr<CudaDeviceContext> device)
      : device_(std::move(device)) {}
  Status prepare();
  Status multiply_once() const;

  const std::shared_ptr<CudaDeviceContext> device_;
  Buffer workspace_;
  CudaLibrary* library_ = nullptr;
};

// "cuBLASLt 13.1.0" or why there is none.
struct FoundLibrary {
  bool usable = false;
  std::string says;
};
FoundLibrary find_cuda_library(const CudaApi& api);

}  // namespace mneme
