// SPDX-License-Identifier: Apache-2.0
// What one thread says and another one hears in its own time, without a wait on either side: it
// finds everything that was added since it last looked, as one value.
#pragma once

#include <atomic>
#include <memory>

namespace mneme {

template <class T>
class Mailslot {
 public:
  Mailslot() = default;
  Mailslot(const Mailslot&) = delete;
  Mailslot& operator=(const Mailslot&) = delete;
  ~Mailslot() { delete m_value.load(); }

  // The one writer: changes what is not taken yet, or a T{}.
  template <class Change>
  void add(Change change) {
    std::unique_ptr<T> value = take();
    if (!value) value = std::make_unique<T>();
    change(*value);
    m_value = value.release();  // empty since take(): nobody else fills it
  }

  // The one reader; null = nothing new.
  std::unique_ptr<T> take() { return std::unique_ptr<T>(m_value.exchange(nullptr)); }

 private:
  std::atomic<T*> m_value = nullptr;
};

}  // namespace mneme
