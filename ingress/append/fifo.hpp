#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace hookfleet::append {

/// A queue in one vector that keeps its memory. (std::deque allocates for every one or two of our entries.)
template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& front() { return items_[head_]; }
  T* begin() { return items_.data() + head_; }
  T* end() { return items_.data() + items_.size(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  T pop_front() {
    T item = std::move(items_[head_++]);
    if (empty()) {
      clear();
    } else if (head_ >= 1024 && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }
  void clear() {
    items_.clear();
    head_ = 0;
  }
  /// Takes over all of `items` at the back and leaves it empty; when nothing is queued they only change places.
  void append(std::vector<T>& items) {
    if (empty()) {
      clear();
      items_.swap(items);
    } else {
      items_.insert(items_.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
      items.clear();
    }
  }
  /// As append(), at the front.
  void prepend(std::vector<T>& items) {
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(head_), std::make_move_iterator(items.begin()),
                  std::make_move_iterator(items.end()));
    items.clear();
  }
  /// Drops what `unwanted` says, keeps the order of the rest.
  template <class Unwanted>
  void drop_if(Unwanted unwanted) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    std::erase_if(items_, unwanted);
  }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace hookfleet::append
