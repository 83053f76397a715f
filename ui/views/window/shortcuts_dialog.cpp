// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/shortcuts_dialog.h"

#include <QAction>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "ui/theme.h"

namespace mneme {
namespace {

QString plain(QString text) {
  return text.remove(QLatin1Char('&'));
}

QTreeWidgetItem* group(QTreeWidget* tree, const QString& title) {
  auto* item = new QTreeWidgetItem(tree, {title});
  QFont font = Theme::current().uiFont();
  font.setWeight(QFont::DemiBold);
  item->setFont(0, font);
  item->setFlags(Qt::ItemIsEnabled);
  return item;
}

}  // namespace

ShortcutsDialog::ShortcutsDialog(const QList<QMenu*>& menus, QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Keyboard shortcuts"));
  resize(520, 620);
  auto* filter = new QLineEdit(this);
  filter->setAccessibleName(tr("Filter the shortcuts"));
  filter->setPlaceholderText(tr("Filter"));
  auto* tree = new QTreeWidget(this);
  tree->setAccessibleName(tr("Shortcuts"));
  tree->setColumnCount(2);
  tree->setHeaderLabels({tr("Action"), tr("Keys")});
  tree->setRootIsDecorated(false);
  tree->setIndentation(14);
  tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  tree->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  tree->header()->setStretchLastSection(false);
  const auto add = [](QTreeWidgetItem* to, const QString& what, const QString& keys) {
    new QTreeWidgetItem(to, {what, keys});  // in the font of texts: a programmer's would join "++"
  };
  for (const QMenu* menu : menus) {
    QTreeWidgetItem* one = group(tree, plain(menu->title()));
    for (const QAction* action : menu->actions()) {
      if (action->shortcuts().isEmpty()) continue;
      QStringList keys;
      for (const QKeySequence& sequence : action->shortcuts()) {
        keys << sequence.toString(QKeySequence::NativeText);
      }
      add(one, plain(action->text()), keys.join(tr(" or ")));
    }
  }
  QTreeWidgetItem* writing = group(tree, tr("Writing"));
  add(writing, tr("Send"), tr("Enter or Ctrl+Enter"));
  add(writing, tr("New line"), tr("Shift+Enter"));
  add(writing, tr("Give up editing"), tr("Esc"));
  QTreeWidgetItem* reading = group(tree, tr("Messages"));
  add(reading, tr("Scroll"), tr("Up, Down, Page Up, Page Down, Home, End"));
  add(reading, tr("Copy the selection"), tr("Ctrl+C"));
  add(reading, tr("Actions of the message"), tr("Menu or Shift+F10"));
  add(reading, tr("Next or previous token (with gate ink)"), tr("Right, Left"));
  add(reading, tr("Unpin the token"), tr("Esc"));
  tree->expandAll();
  connect(filter, &QLineEdit::textChanged, this, [tree](const QString& text) {
    for (int g = 0; g < tree->topLevelItemCount(); ++g) {
      QTreeWidgetItem* one = tree->topLevelItem(g);
      bool any = false;
      for (int i = 0; i < one->childCount(); ++i) {
        QTreeWidgetItem* item = one->child(i);
        const bool show = item->text(0).contains(text, Qt::CaseInsensitive) ||
                          item->text(1).contains(text, Qt::CaseInsensitive);
        item->setHidden(!show);
        any = any || show;
      }
      one->setHidden(!any);
    }
  });
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(18, 16, 18, 14);
  layout->setSpacing(10);
  layout->addWidget(filter);
  layout->addWidget(tree, 1);
  layout->addWidget(buttons);
}

}  // namespace mneme

#include "moc_shortcuts_dialog.cpp"
