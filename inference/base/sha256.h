// SPDX-License-Identifier: Apache-2.0
// SHA-256 through libcrypto: digests of tokenizers, models and packs.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mneme {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  std::string finish_hex();  // 64 lower-case hex digits; once

 private:
  void* context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace mneme
