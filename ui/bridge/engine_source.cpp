// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_source.h"

#include <utility>

namespace mneme {

std::shared_ptr<const InspectModel> inspectModelOf(std::shared_ptr<const EngineView> view) {
  if (!view) return nullptr;
  auto model = std::make_shared<InspectModel>();
  const EngineView* raw = view.get();
  model->layout = raw->layout();
  model->hasher = raw->hasher();
  model->tokenBytes = [raw](TokenId token) { return raw->tokenizer().decode(token); };
  model->rowFileOffset = [raw](std::size_t slot, RowId row) {
    return raw->row_file_offset(slot, row);
  };
  model->listRam = [raw](std::uint64_t first, std::span<NgramKey> out) {
    return raw->list_ram(first, out);
  };
  model->owner = std::move(view);
  return model;
}

void connectInspectSource(EngineHost& host, InspectSource& source) {
  QObject::connect(&host, &EngineHost::modelOpened, &source,
                   [&] { source.setModel(inspectModelOf(host.model())); });
  QObject::connect(&host, &EngineHost::stateChanged, &source, [&] {
    if (!host.model() && source.model()) source.setModel(nullptr);
  });
  QObject::connect(&host, &EngineHost::tiersUpdated, &source, &InspectSource::setTiers);
}

}  // namespace mneme
