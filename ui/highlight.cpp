// SPDX-License-Identifier: Apache-2.0
#include "ui/highlight.h"

#include <QSet>
#include <QStringList>
#include <array>

namespace mneme {
namespace {

struct Language {
  const char* names;     // separated by spaces; the first is what others refer to
  const char* keywords;  // separated by spaces
  const char* lineComments;
  const char* blockBegin;
  const char* blockEnd;
  const char* quotes;  // characters that open and close a string
  bool tripleQuotes = false;
  bool anyCase = false;
};

constexpr std::array<Language, 12> kLanguages{{
    {"cpp c c++ cc h hpp cxx cuda glsl csharp cs",
     "alignas auto bool break case catch char class const consteval constexpr constinit continue "
     "co_await co_return co_yield decltype default delete do double else enum explicit export "
     "extern "
     "false final float for friend goto if inline int long mutable namespace new noexcept nullptr "
     "operator override private protected public register requires return short signed sizeof "
     "static "
     "static_assert static_cast struct switch template this throw true try typedef typename union "
     "unsigned using virtual void volatile while include define ifdef ifndef endif pragma size_t "
     "string var get set",
     "//", "/*", "*/", "\"'"},
    {"python py python3",
     "and as assert async await break case class continue def del elif else except False finally "
     "for "
     "from global if import in is lambda match None nonlocal not or pass raise return self True "
     "try "
     "while with yield",
     "#", "", "", "\"'", true},
    {"javascript js jsx ts tsx typescript node",
     "abstract any as async await boolean break case catch class const continue debugger default "
     "delete do else enum export extends false finally for from function get if implements import "
     "in "
     "instanceof interface let new null number of private protected public readonly return set "
     "static "
     "string super switch this throw true try type typeof undefined var void while yield",
     "//", "/*", "*/", "\"'`"},
    {"rust rs",
     "as async await break const continue crate dyn else enum extern false fn for if impl in let "
     "loop "
     "match mod move mut pub ref return self Self static struct super trait true type unsafe use "
     "where "
     "while bool char f32 f64 i8 i16 i32 i64 isize str u8 u16 u32 u64 usize String Vec Option "
     "Result",
     "//", "/*", "*/", "\""},
    {"go golang",
     "break case chan const continue default defer else fallthrough for func go goto if import "
     "interface map package range return select struct switch type var true false nil string int "
     "int64 float64 bool byte error",
     "//", "/*", "*/", "\"'`"},
    {"java kotlin kt scala swift",
     "abstract assert boolean break byte case catch char class const continue default do double "
     "else "
     "enum extends false final finally float for fun func if implements import instanceof int "
     "interface let long new null object override package private protected public return short "
     "static String super switch this throw throws true try val var void volatile when while",
     "//", "/*", "*/", "\"'"},
    {"bash sh shell zsh console",
     "case do done echo elif else esac exit export fi for function if in local read return set "
     "shift "
     "source then unset until while cd sudo",
     "#", "", "", "\"'"},
    {"sql sqlite postgresql mysql",
     "add all alter and as asc between by case create cross default delete desc distinct drop else "
     "end "
     "exists from full group having in index inner insert into is join key left like limit not "
     "null "
     "offset on or order outer primary references right select set table then union unique update "
     "values view when where with integer text real blob",
     "--", "/*", "*/", "'\"", false, true},
    {"json jsonc", "true false null", "//", "", "", "\""},
    {"yaml yml toml ini", "true false null yes no on off", "#", "", "", "\"'"},
    {"html xml svg", "", "", "<!--", "-->", "\"'"},
    {"css scss", "important media import keyframes from to", "", "/*", "*/", "\"'"},
}};

const Language* findLanguage(const QString& name) {
  const QString wanted = name.trimmed().toLower();
  if (wanted.isEmpty()) return nullptr;
  for (const Language& language : kLanguages) {
    if (QString::fromLatin1(language.names).split(QLatin1Char(' ')).contains(wanted))
      return &language;
  }
  return nullptr;
}

bool isWord(QChar c) {
  return c.isLetterOrNumber() || c == QLatin1Char('_');
}

class Scanner {
 public:
  Scanner(const Language& language, const QString& code, int from)
      : m_language(language), m_code(code), m_quotes(QLatin1String(language.quotes)), m_at(from) {
    const QStringList words = QString::fromLatin1(language.keywords).split(QLatin1Char(' '));
    m_keywords = QSet<QString>(words.begin(), words.end());
  }

  std::vector<CodeSpan> scan() {
    while (m_at < m_code.size()) {
      if (!comment() && !string() && !word()) ++m_at;
    }
    return std::move(m_spans);
  }

 private:
  bool startsWith(const char* text) const {
    return *text != '\0' && QStringView(m_code).mid(m_at).startsWith(QLatin1String(text));
  }
  void add(qsizetype end, CodeKind kind) {
    m_spans.push_back({static_cast<int>(m_at), static_cast<int>(end - m_at), kind});
    m_at = end;
  }
  qsizetype orEnd(qsizetype at) const { return at < 0 ? m_code.size() : at; }

  bool comment() {
    if (startsWith(m_language.lineComments)) {
      // "#" inside a word (a colour, "$#") is no comment.
      if (*m_language.lineComments == '#' && m_at > 0 && !m_code[m_at - 1].isSpace()) return false;
      add(orEnd(m_code.indexOf(QLatin1Char('\n'), m_at)), CodeKind::comment);
      return true;
    }
    if (startsWith(m_language.blockBegin)) {
      const qsizetype end = m_code.indexOf(QLatin1String(m_language.blockEnd), m_at + 2);
      add(end < 0 ? m_code.size() : end + qstrlen(m_language.blockEnd), CodeKind::comment);
      return true;
    }
    return false;
  }

  bool string() {
    const QChar quote = m_code[m_at];
    if (!m_quotes.contains(quote)) return false;
    const QString triple(3, quote);
    if (m_language.tripleQuotes && QStringView(m_code).mid(m_at).startsWith(triple)) {
      const qsizetype end = m_code.indexOf(triple, m_at + 3);
      add(end < 0 ? m_code.size() : end + 3, CodeKind::string);
      return true;
    }
    qsizetype end = m_at + 1;
    while (end < m_code.size() && m_code[end] != quote) {
      if (m_code[end] == QLatin1Char('\n') && quote != QLatin1Char('`')) break;
      end += m_code[end] == QLatin1Char('\\') ? 2 : 1;
    }
    add(std::min(end + 1, m_code.size()), CodeKind::string);
    return true;
  }

  bool word() {
    if (!isWord(m_code[m_at])) return false;
    qsizetype end = m_at;
    const bool number = m_code[m_at].isDigit();
    while (end < m_code.size() &&
           (isWord(m_code[end]) || (number && m_code[end] == QLatin1Char('.')))) {
      ++end;
    }
    const QString text = m_code.mid(m_at, end - m_at);
    if (number) {
      add(end, CodeKind::number);
    } else if (m_keywords.contains(m_language.anyCase ? text.toLower() : text)) {
      add(end, CodeKind::keyword);
    } else if (end < m_code.size() && m_code[end] == QLatin1Char('(')) {
      add(end, CodeKind::name);
    } else {
      m_at = end;
    }
    return true;
  }

  const Language& m_language;
  const QString& m_code;
  const QString m_quotes;
  QSet<QString> m_keywords;
  qsizetype m_at;
  std::vector<CodeSpan> m_spans;
};

}  // namespace

std::vector<CodeSpan> highlightCode(const QString& language, const QString& code, int from) {
  const Language* known = findLanguage(language);
  if (known == nullptr) return {};
  return Scanner(*known, code, from).scan();
}

}  // namespace mneme
