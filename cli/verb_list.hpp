#pragma once

#include "cli/verb.hpp"

/// Where each verb is defined: cli/<name>_verb.cpp.
namespace hookfleet::cli {

Listed status_verb();
Listed tail_verb();
Listed show_verb();
Listed find_verb();
Listed dead_letters_list_verb();
Listed dead_letters_show_verb();
Listed dead_letters_redrive_verb();
Listed dead_letters_drop_verb();
Listed dead_letters_export_verb();
Listed resume_verb();
Listed log_level_verb();
Listed doctor_verb();
Listed layout_show_verb();
Listed layout_clear_verb();
Listed config_check_verb();
Listed config_print_verb();
Listed config_reference_verb();
Listed completion_verb();

}  // namespace hookfleet::cli
