// SPDX-License-Identifier: Apache-2.0
#include "ui/models/hot_set_analysis.h"

#include <utility>

namespace mneme {

HotSetAnalysis::HotSetAnalysis(QObject* parent) : QObject(parent), m_worker("hot set map") {}

HotSetAnalysis::~HotSetAnalysis() {
  m_closing = true;
}

void HotSetAnalysis::ask(std::shared_ptr<const InspectModel> model,
                         const HotSetQuestion& question) {
  const std::uint64_t wish = ++m_asked;
  m_worker.post(
      [this, wish, model = std::move(model), question] {
        auto picture = HotSetPicture::make(model, question, m_closing);
        if (!picture) return;
        QMetaObject::invokeMethod(
            this,
            [this, wish, picture = std::move(picture)] {
              if (wish != m_asked) return;
              m_answered = wish;
              Q_EMIT answered(picture);
            },
            Qt::QueuedConnection);
      },
      "picture");
}

}  // namespace mneme
