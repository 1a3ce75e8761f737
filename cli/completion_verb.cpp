#include "cli/completion.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

namespace hookfleet::cli {
namespace {

class CompletionVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positional("SHELL", shell_, "bash, zsh or fish", {"bash", "zsh", "fish"});
  }

  int run(Console& console, const Environment&) override {
    console.out(completion(shell_));
    return kOk;
  }

 private:
  std::string shell_;
};

constexpr std::string_view kCompletionExamples = R"(
Examples:
  source <(hookfleet completion bash)                                            # this bash
  hookfleet completion bash > /etc/bash_completion.d/hookfleet                   # every bash
  hookfleet completion zsh > "${fpath[1]}/_hookfleet"
  hookfleet completion fish > ~/.config/fish/completions/hookfleet.fish
)";

}  // namespace

VerbSpec completion_verb() {
  return {"completion", "bash|zsh|fish", "Print what a shell needs to complete verbs and options", kCompletionExamples,
          make_verb<CompletionVerb>};
}

}  // namespace hookfleet::cli
