// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/update_dialog.h"

#include <QClipboard>
#include <QDialogButtonBox>
#include <QGuiApplication>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/theme.h"

namespace mneme {

UpdateDialog::UpdateDialog(const Package& package, QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Check for updates"));
  setMinimumWidth(460);
  const UpdateWay way = updateWay(package);
  const auto addText = [this](const QString& text, const char* kind) {
    auto* label = new QLabel(text, this);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    label->setProperty("kind", QLatin1String(kind));
    return label;
  };
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(10);
  layout->addWidget(addText(tr("This is Mneme %1").arg(QLatin1String(MNEME_VERSION)), "title"));
  layout->addWidget(addText(
      tr("Mneme asks nobody whether there is a newer one: it opens no connection for that."), ""));
  layout->addWidget(addText(way.text, ""));
  if (!way.command.isEmpty()) {
    QLabel* command = addText(way.command, "");
    command->setObjectName(QStringLiteral("command"));
    command->setFont(Theme::current().monoFont());
    layout->addWidget(command);
  }
  layout->addWidget(
      addText(tr("Chats, settings and models stay. Where a newer Mneme changes the file of the "
                 "chats, it copies it first."),
              "muted"));
  layout->addStretch();
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  if (!way.command.isEmpty()) {
    auto* copy = buttons->addButton(tr("Copy the command"), QDialogButtonBox::ActionRole);
    connect(copy, &QPushButton::clicked, this,
            [command = way.command] { QGuiApplication::clipboard()->setText(command); });
  }
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  layout->addWidget(buttons);
}

}  // namespace mneme

#include "moc_update_dialog.cpp"
