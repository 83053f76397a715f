// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_source.h"

#include "inference/text/tokenizer.h"

namespace mneme {

std::shared_ptr<const InspectModel> inspectModelOf(std::shared_ptr<Engine> engine) {
  if (!engine) return nullptr;
  auto model = std::make_shared<InspectModel>();
  const Engine* raw = engine.get();
  model->layout = raw->layout();
  model->hasher = raw->hasher();
  model->tokenBytes = [raw](TokenId token) { return raw->tokenizer().decode(token); };
  model->rowFileOffset = [raw](std::size_t slot, RowId row) {
    return raw->row_file_offset(slot, row);
  };
  model->listRam = [raw](std::uint64_t first, std::span<NgramKey> out) {
    return raw->list_ram(first, out);
  };
  model->owner = std::move(engine);
  return model;
}

void connectInspectSource(EngineHost& host, InspectSource& source) {
  QObject::connect(&host, &EngineHost::modelOpened, &source,
                   [&] { source.setModel(inspectModelOf(host.engine())); });
  QObject::connect(&host, &EngineHost::stateChanged, &source, [&] {
    if (!host.engine() && source.model()) source.setModel(nullptr);
  });
  QObject::connect(&host, &EngineHost::tiersUpdated, &source, &InspectSource::setTiers);
  QObject::connect(&source, &InspectSource::ramBudgetRequested, &host, &EngineHost::setRamBudget);
}

}  // namespace mneme
