// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/about_dialog.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QIcon>
#include <QLabel>
#include <QPlainTextEdit>
#include <QVBoxLayout>

#include "ui/theme.h"

namespace mneme {
namespace {

const char kLicences[] =
    "Mneme                     Apache-2.0\n"
    "Qt " QT_VERSION_STR
    "                  LGPL-3, linked dynamically (qt.io)\n"
    "SQLite                    public domain\n"
    "md4c                      MIT\n"
    "PCRE2                     BSD-3-Clause\n"
    "ICU                       Unicode-3.0\n"
    "OpenSSL (libcrypto)       Apache-2.0\n"
    "spdlog, fmt               MIT\n"
    "nlohmann-json             MIT\n"
    "CLI11                     BSD-3-Clause\n"
    "liburing                  LGPL-2.1 or MIT\n"
    "Inter                     OFL-1.1\n"
    "JetBrains Mono            OFL-1.1\n";

}  // namespace

AboutDialog::AboutDialog(QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("About Mneme"));
  setMinimumWidth(520);
  auto* icon = new QLabel(this);
  icon->setPixmap(QIcon(QStringLiteral(":/icons/mneme.svg")).pixmap(56, 56));
  icon->setAccessibleName(tr("The program's icon"));
  auto* title = new QLabel(tr("Mneme %1").arg(QLatin1String(MNEME_VERSION)), this);
  QFont font = Theme::current().uiFont(1.5);
  font.setWeight(QFont::DemiBold);
  title->setFont(font);
  auto* text = new QLabel(
      tr("Chats with language models that look up hashed n-grams in large tables, and shows "
         "this n-gram memory at work. Everything runs on this machine: no network, no telemetry. "
         "The tables are only read, never written."),
      this);
  text->setWordWrap(true);
  auto* head = new QHBoxLayout;
  head->setSpacing(14);
  head->addWidget(icon, 0, Qt::AlignTop);
  auto* words = new QVBoxLayout;
  words->addWidget(title);
  words->addWidget(text);
  head->addLayout(words, 1);
  auto* section = new QLabel(tr("Licences"), this);
  section->setProperty("kind", QStringLiteral("section"));
  auto* licences = new QPlainTextEdit(QString::fromLatin1(kLicences), this);
  licences->setReadOnly(true);
  licences->setAccessibleName(tr("Licences"));
  licences->setFont(Theme::current().monoFont());
  licences->setMinimumHeight(250);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(12);
  layout->addLayout(head);
  layout->addWidget(section);
  layout->addWidget(licences, 1);
  layout->addWidget(buttons);
}

}  // namespace mneme

#include "moc_about_dialog.cpp"
