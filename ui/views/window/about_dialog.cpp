// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/about_dialog.h"

#include <QDialogButtonBox>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QIcon>
#include <QLabel>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/plain_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

QTableWidget* tableOf(const std::vector<LicensedPart>& parts, QWidget* parent) {
  auto* table = new QTableWidget(static_cast<int>(parts.size()), 3, parent);
  table->setAccessibleName(AboutDialog::tr("Parts and their licences"));
  table->setHorizontalHeaderLabels(
      {AboutDialog::tr("Part"), AboutDialog::tr("Version"), AboutDialog::tr("Licence")});
  table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  table->setSelectionBehavior(QAbstractItemView::SelectRows);
  table->setShowGrid(false);
  table->setTabKeyNavigation(false);
  table->verticalHeader()->hide();
  table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  for (std::size_t row = 0; row < parts.size(); ++row) {
    int column = 0;
    for (const QString& text : {parts[row].name, parts[row].version, parts[row].licence}) {
      auto* item = new QTableWidgetItem(text);
      item->setToolTip(boundedText(text));
      table->setItem(static_cast<int>(row), column++, item);
    }
  }
  table->resizeColumnsToContents();
  table->setColumnWidth(0, std::min(table->columnWidth(0), 190));
  table->setColumnWidth(1, std::min(table->columnWidth(1), 150));
  table->horizontalHeader()->setStretchLastSection(true);
  return table;
}

}  // namespace

AboutDialog::AboutDialog(bool downloads, QWidget* parent, const QString& bill) : QDialog(parent) {
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
         "this n-gram memory at work. Everything runs on this machine, without telemetry. %1 "
         "The tables are only read, never written.")
          .arg(downloads ? tr("A connection is opened only to download a model, when you ask for it.")
                         : tr("No connection is opened.")),
      this);
  text->setObjectName(QStringLiteral("what"));
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
  auto* licence = new QLabel(
      tr("Mneme is free software under the Apache License 2.0, without warranty. It uses Qt %1 under "
         "the GNU LGPL 3: linked dynamically, so that you may replace it by a version of your own. "
         "Here it lies in %2. Its source is at qt.io.")
          .arg(QLatin1String(qVersion()), QFileInfo(qtLibraryFile()).path()),
      this);
  licence->setObjectName(QStringLiteral("licence"));
  licence->setWordWrap(true);
  licence->setTextInteractionFlags(Qt::TextSelectableByMouse);
  const auto parts = readBill(bill);
  QWidget* list = nullptr;
  if (parts) {
    list = tableOf(*parts, this);
    list->setMinimumHeight(230);
  } else {
    auto* none = new QLabel(
        !QFileInfo::exists(bill)
            ? tr("The other parts, with version and licence, are listed where Mneme was installed "
                 "from a package; this is a build without that list.")
            : QString::fromStdString(parts.error().message),
        this);
    none->setWordWrap(true);
    none->setProperty("kind", QStringLiteral("muted"));
    list = none;
  }
  list->setObjectName(QStringLiteral("parts"));
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(12);
  layout->addLayout(head);
  layout->addWidget(section);
  layout->addWidget(licence);
  layout->addWidget(list, 1);
  layout->addWidget(buttons);
}

}  // namespace mneme

#include "moc_about_dialog.cpp"
