// SPDX-License-Identifier: Apache-2.0
#include "inference/run/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"

namespace mneme {
namespace {

double microseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::span<const float> float_row(const Buffer& buffer, std::int64_t row, std::int64_t cols) {
  const auto offset = static_cast<std::size_t>(row * cols);
  const auto* values = reinterpret_cast<const float*>(buffer.host().data());
  return {values + offset, static_cast<std::size_t>(cols)};
}

// One NaN among weights or table rows reaches every logit; samplers could not order them.
bool all_finite(std::span<const float> values) {
  bool finite = true;
  for (const float v : values) finite &= std::abs(v) <= std::numeric_limits<float>::max();
  return finite;
}

}  // namespace

Status files_unchanged(std::initializer_list<const GgufFile*> files) {
  for (const GgufFile* const file : files) {
    if (file == nullptr) continue;
    if (const Status same = file->unchanged(); !same) {
      return Error{same.error().code, same.error().message + ": open the model again"};
    }
  }
  return {};
}

Result<std::unique_ptr<Session>> Session::create(const Model& model,
                                                 const SessionOptions& options) {
  std::unique_ptr<Session> session(new Session(model, options));
  auto cache =
      KvCache::create(model.config, model.pack, options.context, options.mode, model.placement);
  if (!cache) return cache.error();
  session->cache_ = std::move(*cache);
  auto io = StepBuffers::create(model.config, model.pack, model.device_rows, options.chunk_tokens,
                                options.outputs_max, model.placement);
  if (!io) return io.error();
  session->io_ = std::move(*io);

  for (std::size_t p = 0; p < model.placement.parts().size(); ++p) {
    PartPlans part;
    part.backend = model.placement.parts()[p].backend;
    auto plain = session->compile(p, nullptr);
    if (!plain) return plain.error();
    part.plain = std::move(*plain);
    if (model.pack != nullptr) {
      auto memory = session->compile(p, model.pack);
      if (!memory) return memory.error();
      part.memory = std::move(*memory);
    }
    session->parts_.push_back(std::move(part));
  }
  session->memory_on_ = model.pack != nullptr;
  return session;
}

Result<std::unique_ptr<Plan>> Session::compile(std::size_t part, const MemoryPack* pack) const {
  CompileOptions compile;
  compile.mode = options_.mode;
  compile.tokens_max = options_.chunk_tokens;
  compile.outputs_max = options_.outputs_max;
  const Graph graph = build_graph(model_.config, model_.weights, pack, model_.device_rows, cache_,
                                  io_, model_.placement, part);
  return model_.placement.parts()[part].backend->compile(graph, compile);
}

void Session::set_memory(bool on) {
  on = on && model_.pack != nullptr;
  if (on == memory_on_) return;
  memory_on_ = on;
  rewind(0);
}

void Session::rewind(std::int64_t length) {
  CHECK(length >= 0 && length <= length_);
  length_ = length;
  tokens_.resize(static_cast<std::size_t>(length));
}

// Asks for the rows of the next step: of the n-grams that the device does not hold, each once.
void Session::prefetch(std::int64_t first, std::int64_t count) {
  next_rows_->asked = Clock::now();
  if (!memory_on_) return;
  const NgramHasher& hasher = *model_.pack->hasher;
  const auto orders = static_cast<std::size_t>(hasher.spec().orders());
  keys_.resize(static_cast<std::size_t>(count) * orders);
  for (std::int64_t t = 0; t < count; ++t) {
    hasher.keys_at(tokens_, static_cast<std::size_t>(first + t),
                   std::span(keys_).subspan(static_cast<std::size_t>(t) * orders, orders));
  }
  if (model_.device_rows == nullptr) {
    next_rows_->ticket = model_.tables->prefetch(keys_);
    return;
  }
  DeviceRowCachePolicy::Step& device = next_rows_->device;
  model_.device_rows->policy().plan(keys_, device);
  next_rows_->ticket = model_.tables->prefetch(device.misses(), device.hits());
}

// Waits for the rows of an Engram layer and lays them where the device takes them from.
Status Session::bring_rows(std::size_t slot, std::size_t part, const std::atomic<bool>* cancel) {
  const double begin = now_us();
  const auto orders = static_cast<std::size_t>(model_.pack->header.hash.orders());
  const std::size_t ngrams = model_.device_rows != nullptr
                                 ? rows_->device.misses().size()
                                 : static_cast<std::size_t>(last_.tokens) * orders;
  const std::size_t bytes = ngrams * static_cast<std::size_t>(ngram_bytes(model_.pack->header));
  RETURN_IF_ERROR(
      model_.tables->wait(rows_->ticket, slot, io_.rows[slot].host().first(bytes), cancel));
  const double end = now_us();
  last_.wait_us += end - begin;
  if (slot == 0) last_.first_wait_us = end - begin;
  spans_.push_back({StepSpan::Kind::wait, static_cast<std::int8_t>(slot),
                    static_cast<std::uint8_t>(part), static_cast<float>(begin),
                    static_cast<float>(end)});
  return {};
}

// Tells the device where the rows of each n-gram lie, and which it is to keep.
void Session::write_row_locations() {
  std::span<std::byte> index = io_.index.host();
  for (const DeviceRowCachePolicy::RowLocation& location : rows_->device.locations()) {
    const RowLocation stored{location.from, location.keep};
    std::memcpy(index.data(), &stored, sizeof stored);
    index = index.subspan(sizeof stored);
  }
}

// What a step that did not end was to keep on the device may not be there, nor what the next one
// was planned with.
void Session::give_up_rows() {
  rows_->device.forget();
  next_rows_->device.forget();
  next_rows_->ticket = {};
}

// What a step computed counts only if the files it was computed from are still what they were, and
// a change of theirs explains whatever went wrong.
Status Session::run(std::int64_t count, std::int64_t outputs, const std::atomic<bool>* cancel) {
  const Status status = run_parts(count, outputs, cancel);
  RETURN_IF_ERROR(files_unchanged({model_.file, model_.pack_file}));
  RETURN_IF_ERROR(status);
  for (std::int64_t output = 0; output < outputs; ++output) {
    if (!all_finite(logits(output))) {
      return Error{ErrorCode::corrupt,
                   "the model computed logits that are not finite numbers: its file or the memory "
                   "pack is damaged"};
    }
  }
  if (memory_on_ && model_.device_rows != nullptr) rows_->device.done();
  last_.total_us = now_us();
  last_.compute_us = last_.total_us - last_.wait_us;
  last_.spans = spans_;
  length_ += count;
  return {};
}

// The loop to read first: rows were asked for before; each segment of each part's graph runs as
// soon as the rows that it needs are there.
Status Session::run_parts(std::int64_t count, std::int64_t outputs,
                          const std::atomic<bool>* cancel) {
  CHECK(count <= options_.chunk_tokens && outputs <= options_.outputs_max);
  step_start_ = Clock::now();
  spans_.clear();
  last_ = StepView{.position = length_, .tokens = count, .outputs = outputs};
  last_.asked_us = microseconds(rows_->asked - step_start_);

  StepParams params;
  params.tokens = std::span(tokens_).subspan(static_cast<std::size_t>(length_),
                                             static_cast<std::size_t>(count));
  params.position = length_;
  params.n_outputs = outputs;
  params.cancel = cancel;
  params.timed = timed_;
  if (memory_on_ && model_.device_rows != nullptr) write_row_locations();
  for (std::size_t p = 0; p < parts_.size(); ++p) RETURN_IF_ERROR(run_part(p, params));
  return {};
}

Status Session::run_part(std::size_t index, StepParams params) {
  PartPlans& part = parts_[index];
  Plan& plan = memory_on_ ? *part.memory : *part.plain;
  const std::size_t count = params.tokens.size();
  if (index > 0) {
    const ResidualTransfer& residual = io_.residual_transfers[index - 1];
    const std::size_t bytes = count * static_cast<std::size_t>(model_.config.dim) * sizeof(float);
    std::memcpy(residual.to.host().data(), residual.from.host().data(), bytes);
  }
  const double begin = now_us();
  for (const Segment& segment : plan.segments()) {
    if (segment.engram_slot) {
      const Status brought =
          bring_rows(static_cast<std::size_t>(*segment.engram_slot), index, params.cancel);
      if (!brought) {
        // What runs of this step ends here, and so does a stop: none of it reaches the next one.
        (void)part.backend->finish();
        return brought;
      }
      params.ngrams = static_cast<std::int64_t>(rows_->device.misses().size());
    }
    part.backend->run(plan, segment, params);
  }
  RETURN_IF_ERROR(part.backend->finish());
  add_spans(index, plan, begin);
  return {};
}

double Session::now_us() const {
  return microseconds(Clock::now() - step_start_);
}

// What the backend says of a part that began `begin_us` after the step.
void Session::add_spans(std::size_t part, const Plan& plan, double begin_us) {
  const auto segments = plan.segments();
  const auto times = parts_[part].backend->segment_times();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto slot = static_cast<std::int8_t>(segments[i].engram_slot.value_or(-1));
    const auto add = [&](StepSpan::Kind kind, double begin, double end) {
      spans_.push_back({kind, slot, static_cast<std::uint8_t>(part),
                        static_cast<float>(begin_us + begin), static_cast<float>(begin_us + end)});
    };
    if (times[i].copy_end_us > times[i].copy_begin_us) {
      add(StepSpan::Kind::copy, times[i].copy_begin_us, times[i].copy_end_us);
    }
    if (segments[i].first_op == segments[i].end_op) continue;  // a part may begin with a memory
    add(StepSpan::Kind::compute, times[i].begin_us, times[i].end_us);
  }
}

Status Session::sync(std::span<const TokenId> tokens, bool all_outputs,
                     const std::atomic<bool>* cancel, const OnStep& on_step) {
  CHECK(!tokens.empty() && static_cast<std::int64_t>(tokens.size()) <= options_.context);
  const auto evaluated = this->tokens();
  const auto same = std::mismatch(evaluated.begin(), evaluated.end(), tokens.begin(), tokens.end());
  const auto common = static_cast<std::int64_t>(same.second - tokens.begin());
  const auto total = static_cast<std::int64_t>(tokens.size());
  rewind(std::min(common, total - 1));
  tokens_.insert(tokens_.end(), tokens.begin() + length_, tokens.end());
  const Status status = without_exceptions([&] { return read_rest(all_outputs, cancel, on_step); });
  if (!status) give_up_rows();
  rewind(length_);  // after a failure: only what was evaluated stays
  return status;
}

Status Session::read_rest(bool all_outputs, const std::atomic<bool>* cancel,
                          const OnStep& on_step) {
  const auto total = static_cast<std::int64_t>(tokens_.size());
  const std::int64_t chunk_max =
      all_outputs ? std::min(options_.chunk_tokens, options_.outputs_max) : options_.chunk_tokens;
  const auto chunk_at = [&](std::int64_t first) { return std::min(chunk_max, total - first); };
  prefetch(length_, chunk_at(length_));
  while (length_ < total) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "stopped"};
    }
    const std::int64_t end = length_ + chunk_at(length_);
    std::swap(rows_, next_rows_);
    next_rows_->ticket = {};
    // The drive reads the next chunk's rows while this one computes.
    if (end < total) prefetch(end, chunk_at(end));
    const std::int64_t outputs = all_outputs ? end - length_ : (end == total ? 1 : 0);
    RETURN_IF_ERROR(run(end - length_, outputs, cancel));
    on_step(last_);
  }
  return {};
}

Status Session::step(TokenId token, const std::atomic<bool>* cancel, const OnStep& on_step) {
  CHECK(length_ < options_.context);
  tokens_.push_back(token);
  const Status status = without_exceptions([&]() -> Status {
    prefetch(length_, 1);
    std::swap(rows_, next_rows_);
    next_rows_->ticket = {};
    RETURN_IF_ERROR(run(1, 1, cancel));
    on_step(last_);
    return {};
  });
  if (!status) give_up_rows();
  rewind(length_);
  return status;
}

std::span<const float> Session::logits(std::int64_t output) const {
  CHECK(output >= 0 && output < last_.outputs);
  return float_row(io_.logits, output, model_.config.vocab_size);
}

std::span<const float> Session::last_logits() const {
  return logits(last_.outputs - 1);
}

std::span<const float> Session::gates(std::size_t slot, std::int64_t token) const {
  CHECK(memory_on_ && token < last_.tokens);
  return float_row(io_.gates[slot], token, model_.pack->header.streams);
}

std::span<const float> Session::writes(std::size_t slot, std::int64_t token) const {
  CHECK(memory_on_ && token < last_.tokens);
  return float_row(io_.writes[slot], token, model_.pack->header.streams);
}

RowOutcome Session::outcome(std::size_t slot, std::int64_t token, std::size_t order) const {
  CHECK(memory_on_ && token < last_.tokens);
  const auto orders = static_cast<std::size_t>(model_.pack->header.hash.orders());
  std::size_t at = static_cast<std::size_t>(token) * orders + order;
  if (model_.device_rows != nullptr) {
    const DeviceRowCachePolicy::RowLocation& location = rows_->device.locations()[at];
    if (!location.is_miss) return {Tier::device, 0};
    at = static_cast<std::size_t>(location.from);
  }
  return model_.tables->outcomes(rows_->ticket, slot)[at];
}

}  // namespace mneme
