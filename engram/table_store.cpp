// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "engram/table_store_impl.h"

namespace mneme {
namespace {

constexpr std::uint64_t kEntryBytesMax = 16ull << 20;  // of one n-gram; published models: 4,224

Error damaged(std::string message) {
  return Error{ErrorCode::corrupt, std::move(message)};
}

std::string table_name(const LayerHash& layer) {
  return fmt::format("the table of layer {}", layer.layer_id);
}

Status check_tables(const HashSpec& spec, const std::vector<TableSource>& tables) {
  if (tables.size() != spec.layers.size()) {
    return damaged(
        fmt::format("there are {} tables for {} Engram layers", tables.size(), spec.layers.size()));
  }
  std::uint64_t entry_bytes = 0;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    // More rows are no fault: some files pad their tables.
    if (tables[i].rows < spec.layers[i].rows) {
      return damaged(fmt::format("{} has {} rows, its hashes address {}",
                                 table_name(spec.layers[i]), tables[i].rows, spec.layers[i].rows));
    }
    entry_bytes += std::uint64_t{tables[i].row_bytes} * static_cast<unsigned>(spec.head_count);
    if (entry_bytes > kEntryBytesMax) {
      return Error{ErrorCode::unsupported,
                   fmt::format("one n-gram has more than {} MiB of rows", kEntryBytesMax >> 20)};
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TableStore>> TableStore::open(const NgramHasher& hasher,
                                                     std::vector<TableSource> tables,
                                                     const TableStoreOptions& options,
                                                     RowReaderFactory reader) {
  std::vector<std::string> names;
  for (const LayerHash& layer : hasher.spec().layers) names.push_back(table_name(layer));
  names.resize(tables.size());
  auto map = TableMap::create(tables, std::move(names));
  if (!map) return map.error();
  RETURN_IF_ERROR(check_tables(hasher.spec(), tables));
  auto impl = std::make_unique<Impl>(hasher, std::move(*map), options.verify);
  RETURN_IF_ERROR(impl->start(options, reader));
  return std::unique_ptr<TableStore>(new TableStore(std::move(impl)));
}

TableStore::TableStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableStore::~TableStore() = default;

TableStore::Ticket TableStore::prefetch(std::span<const NgramKey> keys,
                                        std::span<const NgramKey> device_hits) {
  Ticket ticket;
  ticket.state_ = impl_->prefetch(keys, device_hits);
  return ticket;
}

Status TableStore::wait(Ticket& ticket, std::size_t layer_slot, std::span<std::byte> out,
                        const std::atomic<bool>* cancel) {
  CHECK(ticket.state_ != nullptr && ticket.state_->store == impl_.get());
  return impl_->wait(*ticket.state_, layer_slot, out, cancel);
}

std::span<const RowOutcome> TableStore::outcomes(const Ticket& ticket,
                                                 std::size_t layer_slot) const {
  CHECK(ticket.state_ != nullptr && layer_slot < impl_->layers());
  const Ticket::State& state = *ticket.state_;
  CHECK(state.waited[layer_slot] != 0);
  return std::span(state.outcomes).subspan(layer_slot * state.uses.size(), state.uses.size());
}

bool TableStore::in_ram(const NgramKey& key) const {
  return impl_->in_ram(key);
}
NgramSlice TableStore::list_ram(std::uint64_t first, std::span<NgramKey> out) const {
  return impl_->list_ram(first, out);
}
std::uint64_t TableStore::keep_most_used(std::uint64_t bytes) {
  return impl_->keep_most_used(bytes);
}
std::uint64_t TableStore::drop_ram() {
  return impl_->drop_ram();
}
void TableStore::set_budget(std::uint64_t bytes) {
  impl_->set_budget(bytes);
}
void TableStore::close_hot_set() {
  impl_->stop_hot_set();
}
TierStats TableStore::stats() const {
  return impl_->stats();
}

std::uint32_t TableStore::row_bytes(std::size_t layer_slot) const {
  return map().table(layer_slot).row_bytes;
}
const TableMap& TableStore::map() const {
  return impl_->map();
}

TableStore::Ticket::Ticket() = default;
TableStore::Ticket::Ticket(Ticket&& other) noexcept = default;

TableStore::Ticket& TableStore::Ticket::operator=(Ticket&& other) noexcept {
  Ticket incoming(std::move(other));
  std::swap(state_, incoming.state_);  // `incoming` gives back what this one held
  return *this;
}

TableStore::Ticket::~Ticket() {
  if (state_ != nullptr) {
    Impl* const store = state_->store;
    store->release(std::move(state_));
  }
}

}  // namespace mneme
