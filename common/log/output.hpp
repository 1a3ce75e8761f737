#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hookfleet::log {

/// Where lines go: stdout, or a file that is rotated (file, file.1, … file.<files_max - 1>, the oldest is deleted). One thread.
///
/// A file is made with its folders and mode 0640, opened anew within a second after somebody moved or deleted it, and never left with half
/// a line at its end. When it can't be written, stderr says so once, and again only after it could be.
class Output {
 public:
  /// `file` empty: stdout.
  Output(std::string file, std::size_t file_bytes_max, std::size_t files_max);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Writes lines, each with its line end. Returns how many bytes arrived, up to the end of a line: what is missing is lost.
  /// Waits for a slow reader of stdout, but asks `give_up` ten times a second.
  std::size_t write(std::string_view lines, const std::function<bool()>& give_up);

 private:
  bool open();
  void close();
  void follow();
  bool rotate();  ///< closes the file and moves it away; false when its folder refuses
  std::string_view what_fits(std::string_view lines) const;
  std::size_t write_file(std::string_view lines);
  std::size_t write_stdout(std::string_view lines, const std::function<bool()>& give_up);
  void complain(const char* what, int error);

  const std::string file_;
  const std::size_t file_bytes_max_;
  const std::size_t files_max_;
  int fd_ = -1;
  std::size_t size_ = 0;      ///< of the open file
  bool slow_reader_ = false;  ///< stdout is a pipe, socket or terminal: may block
  bool torn_ = false;         ///< stdout ends with half a line
  bool complained_ = false;
  std::chrono::steady_clock::time_point followed_{};
};

}  // namespace hookfleet::log
