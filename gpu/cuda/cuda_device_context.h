// SPDX-License-Identifier: Apache-2.0
// One opened device, called through the module's table. The backend, its buffers and its plans
// share the context; the last of them closes it. Error numbers become errors with a sentence here.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "gpu/backend_buffer.h"
#include "gpu/cuda/cuda_abi.h"

namespace mneme {

class CudaDeviceContext : public std::enable_shared_from_this<CudaDeviceContext> {
 public:
  // Errors: unsupported (below what the kernels need), device, out_of_memory.
  static Result<std::shared_ptr<CudaDeviceContext>> open(const CudaApi& api, int device);
  ~CudaDeviceContext();
  CudaDeviceContext(const CudaDeviceContext&) = delete;
  CudaDeviceContext& operator=(const CudaDeviceContext&) = delete;

  const CudaApi& api() const { return api_; }
  CudaContext* context() const { return context_; }
  const CudaDevice& about() const { return about_; }

  // Zeroed when `zero`; rounded up to kCudaAllocation. Errors: out_of_memory with the sum that did
  // not fit, device.
  Result<Buffer> alloc(std::size_t bytes, bool zero);
  // Device memory with a pinned mirror as host().
  Result<Buffer> alloc_mirrored(std::size_t bytes);
  Status upload(const Buffer& to, std::size_t offset, std::span<const std::byte> bytes);
  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes);

  std::uint64_t held_max_bytes() const { return held_max_bytes_; }

  // The error that a number of the runtime stands for; none for 0.
  Status check(int error, std::string_view doing) const;

 private:
  explicit CudaDeviceContext(const CudaApi& api) : api_(api) {}

  const CudaApi& api_;
  CudaContext* context_ = nullptr;
  CudaDevice about_{};
  std::uint64_t held_bytes_ = 0;
  std::uint64_t held_max_bytes_ = 0;
};

// Why the kernels cannot run there; empty: they can.
std::string why_unusable(const CudaDevice& device);

inline unsigned char* cuda_pointer(const Buffer& buffer, std::size_t offset = 0) {
  return reinterpret_cast<unsigned char*>(buffer.handle()) + offset;
}

}  // namespace mneme
