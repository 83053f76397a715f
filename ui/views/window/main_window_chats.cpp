// SPDX-License-Identifier: Apache-2.0
// The main window's chats: their list, search, names, and the deleted ones.
#include <utility>

#include "ui/bridge/ui_call.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/window/deleted_chats_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/side_panel.h"

namespace mneme {
namespace {

constexpr int kUndoMs = 10000;
constexpr int kSavedNoticeMs = 5000;
constexpr int kChatsFoundMax = 60;

}  // namespace

void MainWindow::connectChats() {
  connect(m_side, &SidePanel::newChatRequested, this, &MainWindow::newChat);
  connect(m_side, &SidePanel::chatChosen, this, [this](qint64 chat, qint64 message) {
    if (chat != m_conversation.chat() || message != 0) m_conversation.open(chat, message);
  });
  connect(m_side, &SidePanel::searchChanged, this, &MainWindow::search);
  connect(&m_chats, &ChatListModel::renameRequested, this, &MainWindow::renameChat);
  connect(&m_conversation, &Conversation::libraryChanged, this, &MainWindow::reloadChats);
  connect(&m_watch, &SaveWatch::failed, this, [this](const QString& reason, bool kept) {
    m_panel->tellError(
        (kept ? tr("Not saved yet, and tried again every two seconds: %1") : tr("Not saved: %1"))
            .arg(reason));
  });
  connect(&m_watch, &SaveWatch::saved, this, [this] {
    m_conversation.dropSaved();
    reloadChats();
    m_panel->banner()->close();
    m_panel->banner()->tell(Banner::Kind::notice, tr("Everything is saved now."), kSavedNoticeMs);
  });
}

// What is there at the start: the chats, the drafts, and the chat that was open `last`.
void MainWindow::loadChats(ChatId last) {
  struct Found {
    std::vector<ChatRow> chats;
    std::vector<DraftRow> drafts;
  };
  askLibrary(
      m_store, this,
      [](Library& library) -> Result<Found> {
        auto chats = library.chats();
        if (!chats) return chats.error();
        auto drafts = library.drafts();
        if (!drafts) return drafts.error();
        return Found{std::move(*chats), std::move(*drafts)};
      },
      [this, last](Result<Found> found) {
        if (!found) {
          m_panel->tellError(QString::fromStdString(found.error().message));
          return;
        }
        m_drafts.load(found->drafts);
        m_panel->showDraft();
        m_chats.setChats(std::move(found->chats));
        if (m_conversation.chat() == 0 && m_chats.chat(last) != nullptr) m_conversation.open(last);
      });
}

void MainWindow::reloadChats() {
  askLibrary(
      m_store, this, [](Library& library) { return library.chats(); },
      [this](Result<std::vector<ChatRow>> chats) {
        if (chats) m_chats.setChats(std::move(*chats));
        m_side->showCurrent(m_conversation.chat());
      });
}

void MainWindow::search(const QString& text) {
  m_panel->view()->setFound(text);
  if (text.isEmpty()) {
    m_chats.clearHits();
    return;
  }
  askLibrary(
      m_store, this,
      [query = text.toStdString()](Library& library) {
        return library.search(query, kChatsFoundMax);
      },
      [this, text](const Result<std::vector<Library::ChatHits>>& hits) {
        if (m_side->searchText() != text) return;  // typed on since
        if (hits) {
          m_chats.setHits(*hits);
        } else {
          m_panel->tellError(QString::fromStdString(hits.error().message));
        }
      });
}

void MainWindow::newChat() {
  const Settings& settings = m_settings.now();
  m_conversation.newChat(settings.chat, QString::fromStdString(settings.system_prompt));
  m_panel->composer()->setFocus();
}

// The name was typed: it is kept until the disk takes it.
void MainWindow::renameChat(ChatId chat, const QString& title) {
  if (chat == m_conversation.chat() && !title.isEmpty()) m_conversation.titleWasSet(title);
  const std::string text = title.toStdString();
  m_store.write({"title " + std::to_string(chat), "the name of a chat", text,
                 [chat, text](Library& library) { return library.rename_chat(chat, text); }});
  reloadChats();
}

void MainWindow::deleteChat(ChatId chat) {
  const ChatRow* row = m_chats.chat(chat);
  if (row == nullptr) return;
  const QString title = ChatListModel::titleOf(*row);
  m_conversation.leave(chat);
  if (m_conversation.chat() == chat) newChat();
  askLibrary(
      m_store, this, [chat](Library& library) { return library.delete_chat(chat); },
      [this, chat, title](const Status& status) {
        reloadChats();
        if (!status) {
          m_panel->tellError(tr("“%1” was not deleted: %2")
                                 .arg(title, QString::fromStdString(status.error().message)));
          return;
        }
        m_panel->banner()->tell(
            Banner::Kind::notice,
            tr("“%1” was deleted. Chat > Recently deleted keeps it for %2 days.")
                .arg(title)
                .arg(Library::kDaysKept),
            kUndoMs, tr("Undo"), [this, chat] { restoreChat(chat); });
      });
}

void MainWindow::restoreChat(ChatId chat) {
  askLibrary(
      m_store, this, [chat](Library& library) { return library.restore_chat(chat); },
      [this, chat](const Status& restored) {
        reloadChats();
        if (restored) {
          m_conversation.open(chat);
        } else {
          m_panel->tellError(QString::fromStdString(restored.error().message));
        }
      });
}

void MainWindow::showDeletedChats() {
  auto* dialog = new DeletedChatsDialog(m_store, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &DeletedChatsDialog::restoreRequested, this, &MainWindow::restoreChat);
  dialog->open();
}

}  // namespace mneme
