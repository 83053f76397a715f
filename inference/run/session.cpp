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

Status files_unchanged(const ModelSource* model, const GgufFile* pack) {
  Status same = model != nullptr ? model->unchanged() : Status();
  if (same && pack != nullptr) same = pack->unchanged();
  if (same) return {};
  return Error{same.error().code, same.error().message + ": open the model again"};
}

Result<std::unique_ptr<Session>> Session::create(const Model& model,
                                                 const SessionOptions& options) {
  std::unique_ptr<Session> session(new Session(model, options));
  session->sequences_.resize(options.sequences);
  auto cache =
      KvCache::create(model.config, model.pack, options.context,
                      static_cast<std::int64_t>(options.sequences), options.mode, model.placement);
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
  compile.sequences_max = static_cast<std::int64_t>(options_.sequences);
  const Graph graph = build_graph(model_.config, model_.weights, pack, model_.device_rows, cache_,
                                  io_, model_.placement, part);
  return model_.placement.parts()[part].backend->compile(graph, compile);
}

void Session::set_memory(bool on) {
  on = on && model_.pack != nullptr;
  if (on == memory_on_) return;
  memory_on_ = on;
  for (std::size_t s = 0; s < sequences_.size(); ++s) rewind(0, s);
}

void Session::rewind(std::int64_t length, std::size_t sequence) {
  Sequence& s = sequences_[sequence];
  CHECK(length >= 0 && length <= s.length);
  s.length = length;
  s.tokens.resize(static_cast<std::size_t>(length));
}

// Asks for the rows of the next step: of the n-grams that the device does not hold, each once.
void Session::prefetch(std::span<const Run> runs) {
  next_rows_->asked = Clock::now();
  if (!memory_on_) return;
  const NgramHasher& hasher = *model_.pack->hasher;
  const auto orders = static_cast<std::size_t>(hasher.spec().orders());
  keys_.clear();
  for (const Run& run : runs) {
    for (std::int64_t t = run.first; t < run.first + run.count; ++t) {
      keys_.resize(keys_.size() + orders);
      hasher.keys_at(sequences_[run.sequence].tokens, static_cast<std::size_t>(t),
                     std::span(keys_).last(orders));
    }
  }
  if (model_.device_rows == nullptr) {
    next_rows_->ticket = model_.tables->prefetch(keys_);
    return;
  }
  DeviceRowCachePolicy::Step& device = next_rows_->device;
  model_.device_rows->policy().plan(keys_, device);
  next_rows_->ticket = model_.tables->prefetch(device.misses(), device.hits());
}

void Session::take_next_rows() {
  std::swap(rows_, next_rows_);
  next_rows_->ticket = {};
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
Status Session::run(std::span<const Run> runs, const std::atomic<bool>* cancel) {
  const Status status = run_parts(runs, cancel);
  RETURN_IF_ERROR(files_unchanged(model_.source, model_.pack_file));
  RETURN_IF_ERROR(status);
  for (std::int64_t output = 0; output < last_.outputs; ++output) {
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
  for (const Run& run : runs) sequences_[run.sequence].length += run.count;
  return {};
}

// The loop to read first: rows were asked for before; each segment of each part's graph runs as
// soon as the rows that it needs are there.
Status Session::run_parts(std::span<const Run> runs, const std::atomic<bool>* cancel) {
  step_start_ = Clock::now();
  spans_.clear();
  step_.clear();
  for (const Run& run : runs) {
    const auto tokens =
        std::span(sequences_[run.sequence].tokens)
            .subspan(static_cast<std::size_t>(run.first), static_cast<std::size_t>(run.count));
    step_.add(tokens, run.first, static_cast<std::int64_t>(run.sequence), run.outputs);
  }
  last_ = StepView{.position = runs.front().first,
                   .tokens = static_cast<std::int64_t>(step_.tokens.size()),
                   .outputs = static_cast<std::int64_t>(step_.outputs.size())};
  CHECK(last_.tokens <= options_.chunk_tokens && last_.outputs <= options_.outputs_max);
  last_.asked_us = microseconds(rows_->asked - step_start_);

  StepParams params = step_.params();
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
                     const std::atomic<bool>* cancel, const OnStep& on_step, std::size_t sequence) {
  CHECK(!tokens.empty() && static_cast<std::int64_t>(tokens.size()) <= options_.context);
  Sequence& s = sequences_[sequence];
  const auto evaluated = this->tokens(sequence);
  const auto same = std::mismatch(evaluated.begin(), evaluated.end(), tokens.begin(), tokens.end());
  const auto common = static_cast<std::int64_t>(same.second - tokens.begin());
  const auto total = static_cast<std::int64_t>(tokens.size());
  rewind(std::min(common, total - 1), sequence);
  s.tokens.insert(s.tokens.end(), tokens.begin() + s.length, tokens.end());
  const Status status =
      without_exceptions([&] { return read_rest(sequence, all_outputs, cancel, on_step); });
  if (!status) give_up_rows();
  rewind(s.length, sequence);  // after a failure: only what was evaluated stays
  return status;
}

Status Session::read_rest(std::size_t sequence, bool all_outputs, const std::atomic<bool>* cancel,
                          const OnStep& on_step) {
  const Sequence& s = sequences_[sequence];
  const auto total = static_cast<std::int64_t>(s.tokens.size());
  const std::int64_t chunk_max =
      all_outputs ? std::min(options_.chunk_tokens, options_.outputs_max) : options_.chunk_tokens;
  const auto chunk_at = [&](std::int64_t first) {
    const std::int64_t count = std::min(chunk_max, total - first);
    const std::int64_t outputs = all_outputs ? count : (first + count == total ? 1 : 0);
    return Run{sequence, first, count, outputs};
  };
  Run chunk = chunk_at(s.length);
  prefetch({&chunk, 1});
  while (s.length < total) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "stopped"};
    }
    take_next_rows();
    // The drive reads the next chunk's rows while this one computes.
    const Run next = chunk_at(chunk.first + chunk.count);
    if (next.count > 0) prefetch({&next, 1});
    RETURN_IF_ERROR(run({&chunk, 1}, cancel));
    on_step(last_);
    chunk = next;
  }
  return {};
}

Status Session::step(std::span<const NextTokens> next, const std::atomic<bool>* cancel,
                     const OnStep& on_step) {
  std::vector<Run> runs;
  for (const NextTokens& added : next) {
    Sequence& s = sequences_[added.sequence];
    const auto count = static_cast<std::int64_t>(added.tokens.size());
    CHECK(count > 0 && s.length + count <= options_.context);
    s.tokens.insert(s.tokens.end(), added.tokens.begin(), added.tokens.end());
    runs.push_back({added.sequence, s.length, count, added.outputs});
  }
  const Status status = without_exceptions([&]() -> Status {
    prefetch(runs);
    take_next_rows();
    RETURN_IF_ERROR(run(runs, cancel));
    on_step(last_);
    return {};
  });
  if (!status) give_up_rows();
  for (const Run& run : runs) rewind(sequences_[run.sequence].length, run.sequence);
  return status;
}

Status Session::step(TokenId token, const std::atomic<bool>* cancel, const OnStep& on_step) {
  const NextTokens next{0, {&token, 1}, 1};
  return step({&next, 1}, cancel, on_step);
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
