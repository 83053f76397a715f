// SPDX-License-Identifier: Apache-2.0
// A piece of memory of a backend: move-only, frees itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

namespace mneme {

enum class MemoryKind : std::uint8_t {
  device,        // fastest for the device; `host()` may be empty
  host_visible,  // the host reads and writes it through `host()` between steps
};

class Buffer {
 public:
  Buffer() = default;
  // `handle` is the backend's own name for the memory (a pointer on the CPU and CUDA, a table index
  // on Vulkan); `release` is called once with it.
  Buffer(std::uint64_t handle, std::size_t size, std::byte* host,
         std::function<void(std::uint64_t)> release)
      : id_(next_id()), handle_(handle), size_(size), host_(host), release_(std::move(release)) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (release_) release_(handle_);
  }

  // Tells it from every other buffer of this run of the program, also from one that lay at the same
  // address before it. 0 = empty.
  std::uint64_t id() const { return id_; }
  std::uint64_t handle() const { return handle_; }
  std::size_t size() const { return size_; }  // bytes
  std::span<std::byte> host() const {
    return host_ ? std::span(host_, size_) : std::span<std::byte>();
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(handle_, other.handle_);
    std::swap(size_, other.size_);
    std::swap(host_, other.host_);
    std::swap(release_, other.release_);
  }

  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
  }

  std::uint64_t id_ = 0;
  std::uint64_t handle_ = 0;
  std::size_t size_ = 0;
  std::byte* host_ = nullptr;
  std::function<void(std::uint64_t)> release_;
};

}  // namespace mneme
