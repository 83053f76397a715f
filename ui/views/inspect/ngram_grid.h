// SPDX-License-Identifier: Apache-2.0
// The n-grams that end at a token: text, order, and for each Engram layer one cell a head, in the
// colour and hatch of its tier. A cell chosen by mouse or keys is the one that the hash walk
// explains. Painted. UI thread.
#pragma once

#include <QWidget>
#include <optional>
#include <vector>

#include "ui/models/token_facts.h"

namespace mneme {

class NgramGrid : public QWidget {
  Q_OBJECT

 public:
  struct Place {
    int ngram = 0;  // index into TokenFacts::ngrams
    int layer = 0;  // slot
    int head = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };

  explicit NgramGrid(QWidget* parent = nullptr);
  void setFacts(const TokenFacts& facts, StorageKind storage);
  Place place() const { return m_place; }
  void setPlace(const Place& place);  // cut to what there is

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 Q_SIGNALS:
  void placeChanged();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  int lineStep() const;
  int heads(int ngram) const;
  QRectF cellRect(const Place& place) const;
  QString describe(const Place& place) const;
  std::optional<Place> placeAt(const QPointF& point) const;
  void announce();

  std::vector<NgramFacts> m_ngrams;
  std::vector<QString> m_layerNames;
  StorageKind m_storage = StorageKind::direct;
  Place m_place;
};

}  // namespace mneme
