// SPDX-License-Identifier: Apache-2.0
// A RowReader that misbehaves on request: it holds reads back, delays them, completes them out of
// order, fails them or delivers too little. One thread of its own reads the real file.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engram/row_reader.h"

namespace mneme {

enum class ReadFault : std::uint8_t {
  none,
  eio,        // an error status
  too_short,  // success is claimed, bytes are missing
};

// Shared between a test and its reader. Any thread.
class SlowReaderControl {
 public:
  void hold();                              // nothing completes from now on
  void release();                           // all goes on
  void release_all_but(std::size_t first);  // of those that wait, so many stay until release()
  void set_delay_us(std::uint32_t delay_us);
  void set_out_of_order(bool on);  // the newest of the waiting requests first
  void set_fault(std::function<ReadFault(const ReadRequest&)> fault);

  std::vector<ReadRequest> seen() const;  // every request, as it came

 private:
  friend class SlowReader;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool closing_ = false;
  bool out_of_order_ = false;
  std::uint32_t delay_us_ = 0;
  std::function<ReadFault(const ReadRequest&)> fault_;
  std::vector<ReadRequest> waiting_;
  std::vector<ReadRequest> staying_;
  std::vector<ReadRequest> seen_;
};

// Makes readers that obey `control`; one at a time.
RowReaderFactory slow_reader_factory(std::shared_ptr<SlowReaderControl> control);

}  // namespace mneme
