// SPDX-License-Identifier: Apache-2.0
// Shows one page of the manual in the program's own look, with the way back and forward. Reads
// nothing but what is compiled in. UI thread.
#pragma once

#include <QTextBrowser>
#include <vector>

namespace mneme {

class ManualView : public QTextBrowser {
  Q_OBJECT

 public:
  explicit ManualView(QWidget* parent = nullptr);

  void open(const QString& topic);
  int page() const;  // of manualPages()

  // Marks `length` characters at each of `positions`, and those at `current` more; -1 = none.
  void mark(const std::vector<int>& positions, int length, int current);
  void reveal(int position);

  QVariant loadResource(int type, const QUrl& name) override;

 Q_SIGNALS:
  void pageChanged();
  void webLinkChosen(const QUrl& url);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void follow(const QUrl& url);
  void onSource(const QUrl& url);
  void restyle();
  void style();
  void styleBlocks();
  void styleText();
  void styleTables();
  void fit();

  QUrl m_url;  // what is shown: source() tells it only after sourceChanged()
};

}  // namespace mneme
