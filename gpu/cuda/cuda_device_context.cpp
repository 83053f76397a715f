// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_device_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"

namespace mneme {
namespace {

constexpr int kOutOfMemory = 2;  // cudaErrorMemoryAllocation
constexpr int kMajorMin = 8;     // cp.async and bfloat16 products

std::size_t rounded(std::size_t bytes) {
  return round_up(bytes, static_cast<std::size_t>(kCudaAllocation));
}

}  // namespace

std::string why_unusable(const CudaDevice& device) {
  if (device.major >= kMajorMin) return "";
  return fmt::format("its compute capability is {}.{}, at least {}.0 is needed", device.major,
                     device.minor, kMajorMin);
}

Result<std::shared_ptr<CudaDeviceContext>> CudaDeviceContext::open(const CudaApi& api, int device) {
  std::shared_ptr<CudaDeviceContext> opened(new CudaDeviceContext(api));
  RETURN_IF_ERROR(opened->check(api.describe(device, &opened->about_), "asking what it is"));
  if (const std::string reason = why_unusable(opened->about_); !reason.empty()) {
    return Error{ErrorCode::unsupported, fmt::format("{}: {}", opened->about_.name, reason)};
  }
  RETURN_IF_ERROR(opened->check(api.open(device, &opened->context_), "opening it"));
  return opened;
}

CudaDeviceContext::~CudaDeviceContext() {
  if (context_ != nullptr) api_.close(context_);
}

Status CudaDeviceContext::check(int error, std::string_view doing) const {
  if (error == 0) return {};
  if (error == kOutOfMemory) {
    return Error{ErrorCode::out_of_memory,
                 fmt::format("{} has too little free memory for {}", about_.name, doing)};
  }
  return Error{ErrorCode::device,
               fmt::format("the device {} failed at {}: {} (CUDA error {}); open the model again, "
                           "or choose the CPU",
                           about_.name, doing, api_.error_text(error), error)};
}

Result<Buffer> CudaDeviceContext::alloc(std::size_t bytes, bool zero) {
  if (bytes == 0) return Buffer();
  void* memory = nullptr;
  if (const int error = api_.alloc(context_, rounded(bytes), &memory); error != 0) {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
    if (error == kOutOfMemory && api_.memory(context_, &free_bytes, &total_bytes) == 0) {
      return Error{
          ErrorCode::out_of_memory,
          fmt::format("{:.1f} MB do not fit into the memory of {}: {:.1f} of {:.1f} MB are "
                      "free",
                      static_cast<double>(bytes) / 1e6, about_.name,
                      static_cast<double>(free_bytes) / 1e6,
                      static_cast<double>(total_bytes) / 1e6)};
    }
    return check(error, "taking memory").error();
  }
  held_bytes_ += rounded(bytes);
  held_max_bytes_ = std::max(held_max_bytes_, held_bytes_);
  Buffer buffer(reinterpret_cast<std::uint64_t>(memory), bytes, nullptr,
                [self = shared_from_this(), bytes](std::uint64_t handle) {
                  self->api_.free(self->context_, reinterpret_cast<void*>(handle));
                  self->held_bytes_ -= rounded(bytes);
                });
  if (zero)
    RETURN_IF_ERROR(check(api_.fill(context_, memory, 0, rounded(bytes)), "clearing memory"));
  return buffer;
}

Result<Buffer> CudaDeviceContext::alloc_mirrored(std::size_t bytes) {
  auto device = alloc(bytes, true);
  if (!device || bytes == 0) return device;
  void* host = nullptr;
  RETURN_IF_ERROR(check(api_.alloc_host(context_, rounded(bytes), &host), "pinned host memory"));
  std::memset(host, 0, bytes);
  const std::uint64_t handle = device->handle();
  // The device's part is freed with the closure.
  auto kept = std::make_shared<Buffer>(std::move(*device));
  return Buffer(handle, bytes, static_cast<std::byte*>(host),
                [self = shared_from_this(), kept, host](std::uint64_t) {
                  self->api_.free_host(self->context_, host);
                });
}

Status CudaDeviceContext::upload(const Buffer& to, std::size_t offset,
                                 std::span<const std::byte> bytes) {
  CHECK(offset + bytes.size() <= to.size());
  if (bytes.empty()) return {};
  if (!to.host().empty()) std::memcpy(to.host().data() + offset, bytes.data(), bytes.size());
  return check(api_.copy_now(context_, cuda_pointer(to, offset), bytes.data(), bytes.size()),
               "copying to its memory");
}

Status CudaDeviceContext::download(const Buffer& from, std::size_t offset,
                                   std::span<std::byte> bytes) {
  CHECK(offset + bytes.size() <= from.size());
  if (bytes.empty()) return {};
  return check(api_.copy_now(context_, bytes.data(), cuda_pointer(from, offset), bytes.size()),
               "copying from its memory");
}

}  // namespace mneme
