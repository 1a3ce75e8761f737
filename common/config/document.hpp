#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace hookfleet::config {

/// A place in a file; both from 1.
struct Mark {
  int line = 1;
  int column = 1;
  bool operator<(const Mark& other) const { return line != other.line ? line < other.line : column < other.column; }
};

struct Member;

/// A YAML value. Scalars are texts: what they mean is for the setting to say.
struct Node {
  enum class Kind { kNothing, kText, kList, kMap };
  Kind kind = Kind::kNothing;
  Mark mark;
  std::string text;             ///< of kText
  std::vector<Node> items;      ///< of kList
  std::vector<Member> members;  ///< of kMap, in the order of the file
};

struct Member {
  std::string name;
  Mark mark;
  Node value;
};

struct Fault {
  Mark mark;
  std::string message;
};

struct Document {
  Node root;                  ///< kNothing for an empty text
  std::vector<Fault> faults;  ///< duplicate keys, or why the text is broken
  bool broken = false;        ///< nothing can be said about the content
};

/// Limits of parse(): what is above them is broken.
inline constexpr std::size_t kDepthMax = 64;
inline constexpr std::size_t kValuesMax = 100'000;  // 1 MiB may hold them: an item of poller.instances is about eight

/// Reads one YAML document. Anchors and aliases are refused. Never throws.
Document parse(const std::string& text);

/// A text as YAML that parse() reads as the same text.
std::string yaml(const std::string& text);
/// The same for a list of texts: `[a, b]`.
std::string yaml(const std::vector<std::string>& texts);

}  // namespace hookfleet::config
