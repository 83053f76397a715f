// SPDX-License-Identifier: Apache-2.0
#include "ui/manual_topic.h"

#include <QVariant>
#include <QWidget>

namespace mneme {
namespace {

const char kTopicProperty[] = "manualTopic";

}  // namespace

void setManualTopic(QWidget* widget, const QString& topic) {
  widget->setProperty(kTopicProperty, topic);
}

QString manualTopicOf(const QWidget* widget) {
  for (; widget != nullptr; widget = widget->parentWidget()) {
    const QString topic = widget->property(kTopicProperty).toString();
    if (!topic.isEmpty()) return topic;
  }
  return {};
}

}  // namespace mneme
